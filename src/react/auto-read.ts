import { useEffect, useMemo, type RefCallback } from "react";
import type { Room, RoomMessage } from "../client/room.ts";
import { useHeldRoom } from "./room.ts";

/** What counts as seen. */
export interface AutoReadOptions {
  /** What scrolls; the page unless given. */
  root?: Element | null;
  /** How much of a message must be seen, from 0 to 1. A message that is higher than what scrolls needs a small one. */
  threshold?: number;
}

/**
 * Marks messages as read when they are seen: gives what makes the `ref` for the element of a message. Own messages and those that were read
 * are left out, and while the page is hidden nothing is seen.
 */
export function useAutoRead(roomId: string, { root = null, threshold = 0.5 }: AutoReadOptions = {}) {
  const room = useHeldRoom(roomId);
  const watch = useMemo(() => createSeenWatch(room, { root, threshold }), [room, root, threshold]);
  useEffect(() => watch.start(), [watch]);
  return (message: RoomMessage) => watch.refOf(message);
}

type Seen = { message: RoomMessage; isSeen: boolean };

/** One observer for all messages; each element is observed once, however often the list is rendered. */
function createSeenWatch(room: Room, options: { root: Element | null; threshold: number }) {
  const elements = new Map<Element, Seen>();
  const refs = new Map<string, RefCallback<Element>>();
  let observer: IntersectionObserver | undefined;

  function look(element: Element, seen: Seen) {
    const { message } = seen;
    if (!seen.isSeen || document.visibilityState === "hidden" || message.position === undefined) return;
    if (!room.receipts.get().isRead(message)) room.noteRead(message.id);
    forget(element);
  }

  function lookAtAll() {
    for (const [element, seen] of elements) look(element, seen);
  }

  function forget(element: Element) {
    elements.delete(element);
    observer?.unobserve(element);
  }

  function attach(element: Element, message: RoomMessage) {
    if (message.position === undefined || room.receipts.get().isRead(message)) return;
    elements.set(element, { message, isSeen: false });
    observer?.observe(element);
  }

  return {
    /** Gives the function that ends it; it may be started again. */
    start() {
      observer = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
          const seen = elements.get(target);
          if (!seen) continue;
          seen.isSeen = isIntersecting;
          look(target, seen);
        }
      }, options);
      for (const element of elements.keys()) observer.observe(element);
      document.addEventListener("visibilitychange", lookAtAll);
      return () => {
        observer?.disconnect();
        observer = undefined;
        document.removeEventListener("visibilitychange", lookAtAll);
      };
    },
    /** For the `ref` of a message's element: the same function for the same message at each rendering. */
    refOf(message: RoomMessage): RefCallback<Element> {
      const key = message.position ?? message.clientMessageId;
      const known = refs.get(key);
      if (known) return known;
      let attached: Element | undefined;
      const ref: RefCallback<Element> = (element) => {
        if (attached) forget(attached);
        attached = element ?? undefined;
        if (attached) {
          refs.set(key, ref);
          attach(attached, message);
        } else if (refs.get(key) === ref) refs.delete(key);
      };
      refs.set(key, ref);
      return ref;
    },
  };
}
