import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import * as graphiql from "@graphql-yoga/render-graphiql/graphiql";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const inDemo = (path: string) => fileURLToPath(new URL(`src/demo/${path}`, import.meta.url));

/** Of the pages that the server serves: the demo, and GraphiQL. */
export default defineConfig({
  root: inDemo("."),
  base: "/",
  plugins: [react(), graphiqlFiles()],
  build: {
    outDir: fileURLToPath(new URL("dist/demo", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // The pages' policy allows scripts and styles from files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: [inDemo("index.html"), inDemo("graphiql.html")],
      checks: { pluginTimings: false },
    },
  },
});

/** GraphiQL comes as texts in an npm package: each becomes a file, so that browsers keep it, and `virtual:graphiql` says where. */
function graphiqlFiles(): Plugin {
  const id = "virtual:graphiql";
  const files = {
    script: ["js", graphiql.js],
    style: ["css", graphiql.css],
    editorWorkerService: ["js", graphiql.editorWorkerService],
    json: ["js", graphiql.jsonWorker],
    graphql: ["js", graphiql.graphqlWorker],
  } as const;
  return {
    name: "causerie-graphiql",
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source !== `\0${id}`) return undefined;
      const places = Object.entries(files).map(([name, [extension, text]]) => {
        const hash = createHash("sha256").update(text).digest("base64url").slice(0, 8);
        const fileName = `assets/graphiql-${name}-${hash}.${extension}`;
        this.emitFile({ type: "asset", fileName, source: text });
        return `export const ${name} = ${JSON.stringify(`/${fileName}`)};`;
      });
      return places.join("\n");
    },
  };
}
