/**
 * Takes React, the router, Chakra and Emotion from Airflow's page instead of bundling them.
 *
 * Airflow puts these libraries on `globalThis` for the apps of plugins. Each import becomes a small module that reads
 * the global: one React per page, and Airflow's theme and router contexts reach our components.
 */
import { createRequire } from "node:module";

import type { Plugin } from "vite";

const GLOBAL_OF_MODULE: Readonly<Record<string, string>> = {
  "@chakra-ui/react": "ChakraUI",
  "@emotion/react": "EmotionReact",
  react: "React",
  "react-dom": "ReactDOM",
  "react-router-dom": "ReactRouterDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
};

const PREFIX = "\0airflow-global:";
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/u;

const require = createRequire(import.meta.url);

/** The source of a module with the exports of the installed one, each read from the global. */
const sourceOf = (moduleName: string): string => {
  const globalName = GLOBAL_OF_MODULE[moduleName];
  const names = Object.keys(require(moduleName) as object)
    .filter((name) => IDENTIFIER.test(name) && name !== "default")
    .sort();
  return [
    `const library = globalThis.${globalName};`,
    "export default library;",
    ...names.map((name) => `export const ${name} = library.${name};`),
  ].join("\n");
};

export const airflowGlobals = (): Plugin => ({
  apply: "build",
  enforce: "pre",
  load: (id) =>
    id.startsWith(PREFIX) ? { code: sourceOf(id.slice(PREFIX.length)), moduleSideEffects: false } : undefined,
  name: "airflow-globals",
  resolveId: (source) => (source in GLOBAL_OF_MODULE ? `${PREFIX}${source}` : undefined),
});
