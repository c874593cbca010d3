import type { Item } from "./user.ts";

export const typeOf = ({ __typename: type }: { __typename: string }): string => type;

/** For `find` and `filter`. */
export const isA =
  (type: string) =>
  (item: { __typename: string }): boolean =>
    typeOf(item) === type;

export const isCaughtUp = isA("CaughtUp");

export const ofRoom = (items: Item[], roomId: string): Item[] => items.filter((item) => item.room?.id === roomId);

/** Each item in a word: its message's content, else its type. */
export const wordsOf = (items: Item[]): string[] => items.map((item) => item.message?.content ?? typeOf(item));

/** The position before the first change of a room. */
export const beginningOf = (roomId: string): string => `${roomId}.${"0".repeat(16)}`;
