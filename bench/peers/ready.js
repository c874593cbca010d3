/** Tells the bench where to connect. */
export function ready(port) {
  console.log(`ready ${JSON.stringify({ port })}`);
}
