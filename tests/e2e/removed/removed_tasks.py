"""The callables of the shop whose rules change."""


def ship(context):
    return {"parcel": context.trigger_kwargs["paid"]["n"]}


def wrap(context):
    return {"ribbon": context.trigger_kwargs["gift"]["color"]}
