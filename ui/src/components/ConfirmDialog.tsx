import { Button, CloseButton, Dialog, Portal } from "@chakra-ui/react";
import type { ReactNode } from "react";

import { texts } from "~/texts";

export type ConfirmDialogProps = {
  /** Of the button that changes nothing. */
  readonly cancelLabel?: string;
  /** The preview of what will happen, and inputs. */
  readonly children?: ReactNode;
  readonly confirmLabel?: string;
  /** Red for what cannot be undone. */
  readonly isDangerous?: boolean;
  /** While the act runs: the button turns, and nothing closes the dialog. */
  readonly isPending?: boolean;
  /** False while an input is not valid. */
  readonly isValid?: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
  readonly size?: "lg" | "md" | "sm" | "xl";
  readonly title: string;
};

/** Asks before an act. It is open while it is rendered; the form's Enter confirms, Escape closes. */
export const ConfirmDialog = ({
  cancelLabel = texts.common.cancel,
  children,
  confirmLabel = texts.common.confirm,
  isDangerous = false,
  isPending = false,
  isValid = true,
  onClose,
  onConfirm,
  size = "md",
  title,
}: ConfirmDialogProps) => (
  <Dialog.Root
    closeOnEscape={!isPending}
    closeOnInteractOutside={false}
    lazyMount
    onOpenChange={({ open }) => {
      if (!open && !isPending) {
        onClose();
      }
    }}
    open
    role="alertdialog"
    scrollBehavior="inside"
    size={size}
    unmountOnExit
  >
    <Portal>
      <Dialog.Backdrop />
      <Dialog.Positioner>
        <Dialog.Content asChild>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (isValid && !isPending) {
                onConfirm();
              }
            }}
          >
            <Dialog.Header>
              <Dialog.Title>{title}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>{children}</Dialog.Body>
            <Dialog.Footer>
              <Button disabled={isPending} onClick={onClose} size="sm" type="button" variant="outline">
                {cancelLabel}
              </Button>
              <Button
                colorPalette={isDangerous ? "danger" : "brand"}
                disabled={!isValid}
                loading={isPending}
                size="sm"
                type="submit"
              >
                {confirmLabel}
              </Button>
            </Dialog.Footer>
            <Dialog.CloseTrigger asChild>
              <CloseButton aria-label={texts.common.close} disabled={isPending} size="sm" type="button" />
            </Dialog.CloseTrigger>
          </form>
        </Dialog.Content>
      </Dialog.Positioner>
    </Portal>
  </Dialog.Root>
);
