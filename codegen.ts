import type { CodegenConfig } from "@graphql-codegen/cli";

const types = {
  scalars: { ID: "string", DateTime: "string", HLC: "string", Cursor: "string" },
  strictScalars: true,
  enumsAsTypes: true,
  useTypeImports: true,
  nonOptionalTypename: false,
};

/** Types the client kit's operations, and those of frontends with a client of their own, as an example. */
const config: CodegenConfig = {
  schema: "schema.graphql",
  generates: {
    "src/client/generated/operations.ts": {
      documents: "src/client/operations/*.graphql",
      plugins: [
        { add: { content: "/* Generated from schema.graphql and src/client/operations by `npm run codegen`. */" } },
        "typescript-operations",
        "typed-document-node",
      ],
      // Documents are texts: no parser in the browser.
      config: { ...types, documentMode: "string" },
    },
    "test/client/others/generated/chat.ts": {
      documents: "test/client/others/chat.graphql",
      plugins: ["typescript-operations", "typed-document-node"],
      config: types,
    },
  },
};

export default config;
