"""The task of the configuration beside it."""


def work(context):
    return {"rows": 2 * context.trigger_kwargs["started"]["rows"]}
