import { Alert, Button } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Component } from "react";

import { texts } from "~/texts";

type Props = { readonly children: ReactNode };
type State = { readonly error: Error | undefined };

/** Keeps an error of ours from Airflow's page. A chunk that cannot be loaded, after an upgrade, arrives here too. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) {
      return this.props.children;
    }
    return (
      <Alert.Root role="alert" status="error">
        <Alert.Indicator />
        <Alert.Content>
          <Alert.Title>{texts.errors.broken}</Alert.Title>
          <Alert.Description>{error.message}</Alert.Description>
        </Alert.Content>
        <Button onClick={() => globalThis.location.reload()} size="sm" variant="outline">
          {texts.errors.reload}
        </Button>
      </Alert.Root>
    );
  }
}
