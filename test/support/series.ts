/** All series that a server's /metrics has, by name and labels. */
export async function seriesOf({ url }: { readonly url: string }): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = text.matchAll(/^(causerie_\S+) (\S+)$/gm);
  return new Map([...found].map(([, name, value]) => [name!, Number(value)]));
}
