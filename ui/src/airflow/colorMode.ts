/** Whether Airflow's page is dark: the class of its root says so, and the reader may change it at any time. */
import { useSyncExternalStore } from "react";

const isDark = (): boolean => document.documentElement.classList.contains("dark");

const subscribe = (listener: () => void): (() => void) => {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["class"] });
  return () => observer.disconnect();
};

export const useIsDark = (): boolean => useSyncExternalStore(subscribe, isDark);
