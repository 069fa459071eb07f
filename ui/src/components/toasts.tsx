/** Short messages in a corner: what an act has done, or the server's sentence when it was refused. */
import { Portal, Stack, Toast, Toaster, createToaster } from "@chakra-ui/react";

const toaster = createToaster({ max: 4, pauseOnPageIdle: true, placement: "bottom-end" });

const MILLISECONDS_OF_SUCCESS = 5000;
const MILLISECONDS_OF_ERROR = 15_000;

export const showSuccess = (title: string, description?: string): void => {
  toaster.create({ closable: true, description, duration: MILLISECONDS_OF_SUCCESS, title, type: "success" });
};

export const showError = (title: string, error: unknown): void => {
  const description = error instanceof Error ? error.message : String(error);
  toaster.create({ closable: true, description, duration: MILLISECONDS_OF_ERROR, title, type: "error" });
};

/** Beside the page, not in it: what is open above the page hides the page from screen readers, but not these. */
export const Toasts = () => (
  <Portal>
    <Toaster toaster={toaster}>
      {(toast) => (
        <Toast.Root width={{ base: "xs", md: "md" }}>
          <Toast.Indicator />
          <Stack flex={1} gap={1} maxW="100%">
            <Toast.Title>{toast.title}</Toast.Title>
            {toast.description === undefined ? undefined : <Toast.Description>{toast.description}</Toast.Description>}
          </Stack>
          <Toast.CloseTrigger />
        </Toast.Root>
      )}
    </Toaster>
  </Portal>
);
