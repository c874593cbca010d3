/** Where the files of GraphiQL are, as the build says (vite.config.ts). */
declare module "virtual:graphiql" {
  export const script: string;
  export const style: string;
  export const editorWorkerService: string;
  export const json: string;
  export const graphql: string;
}
