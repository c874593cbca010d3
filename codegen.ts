import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types the client kit's operations, and is the example for frontends of one's own. */
const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "src/client/operations/*.graphql",
  generates: {
    "src/client/generated/operations.ts": {
      plugins: [
        { add: { content: "/* Generated from schema.graphql and src/client/operations by `npm run codegen`. */" } },
        "typescript-operations",
        "typed-document-node",
      ],
      config: {
        // Documents are texts: no parser in the browser.
        documentMode: "string",
        scalars: { ID: "string", DateTime: "string", HLC: "string", Cursor: "string" },
        strictScalars: true,
        enumsAsTypes: true,
        useTypeImports: true,
        nonOptionalTypename: false,
      },
    },
  },
};

export default config;
