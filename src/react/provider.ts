import { createContext, createElement, useContext, useEffect, useRef, useState, type ReactNode } from "react";
import { ChatClient, type ChatClientOptions } from "../client/chat-client.ts";

const ClientContext = createContext<ChatClient | undefined>(undefined);

/** Gives the client to all hooks below. The app starts it and disposes of it, or leaves both to `useChatClient`. */
export function CauserieProvider({ client, children }: { client: ChatClient; children?: ReactNode }): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the nearest provider. @throws Error where there is none */
export function useClient(): ChatClient {
  const client = useContext(ClientContext);
  if (!client) throw new Error("There is no CauserieProvider above this component.");
  return client;
}

/**
 * A client of one user that lives as long as the component; another one when the address or the user changes. Undefined at
 * the first rendering. Of the other options those of the first moment count, but for `getToken`.
 */
export function useChatClient(options: ChatClientOptions): ChatClient | undefined {
  const { url, userId } = options;
  const latest = useRef(options);
  const [opened, setOpened] = useState<{ client: ChatClient; url: string }>();
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const getToken = () => latest.current.getToken();
    const client = new ChatClient({ ...latest.current, url, userId, getToken });
    client.start();
    setOpened({ client, url });
    return () => {
      setOpened(undefined);
      void client.dispose();
    };
  }, [url, userId]);
  return opened?.url === url && opened.client.userId === userId ? opened.client : undefined;
}
