/**
 * Reads one at a time for each key: who asks while one runs gets the next one's result, together with all who ask until
 * then. So nobody gets what was read before they asked, and however often somebody asks, one read runs for them.
 */
export function readTogether<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const running = new Map<string, { ended: Promise<void>; next: Promise<Value> | null }>();

  function begin(key: string): Promise<Value> {
    const value = read(key);
    const end = () => {
      if (entry.next === null) running.delete(key);
    };
    const entry = { ended: value.then(end, end), next: null };
    running.set(key, entry);
    return value;
  }

  return function ask(key) {
    const present = running.get(key);
    if (!present) return begin(key);
    return (present.next ??= present.ended.then(() => begin(key)));
  };
}
