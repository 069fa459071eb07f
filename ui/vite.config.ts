import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import { airflowGlobals } from "./plugins/airflowGlobals";

export default defineConfig({
  base: "./",
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    emptyOutDir: true,
    modulePreload: false,
    outDir: process.env.UI_OUT_DIR ?? "../airflow_triggers/ui",
    reportCompressedSize: false,
    rollupOptions: {
      input: fileURLToPath(new URL("src/main.tsx", import.meta.url)),
      output: {
        chunkFileNames: "assets/[name]-[hash].js",
        entryFileNames: "main.js",
      },
      onLog: (level, log, handle) => {
        // Some libraries mark modules for a server's rendering; nothing is rendered there.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") {
          handle(level, log);
        }
      },
      preserveEntrySignatures: "strict",
      // Airflow's globals are plain objects: to read a property that nobody uses can be left out.
      treeshake: { propertyReadSideEffects: false },
    },
    sourcemap: false,
    target: "es2022",
  },
  // The bundle is read by browsers only; React's production build is Airflow's.
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  plugins: [airflowGlobals()],
  resolve: { alias: { "~": fileURLToPath(new URL("src", import.meta.url)) } },
});
