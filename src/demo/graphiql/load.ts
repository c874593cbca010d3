import * as files from "virtual:graphiql";
import type { Fetch } from "./fetcher.ts";

type Graphiql = { renderYogaGraphiQL: (place: HTMLElement, options: Record<string, unknown>) => void };

let loading: Promise<void> | undefined;

/** Shows GraphiQL, once. */
export function loadGraphiql(place: HTMLElement, fetcher: Fetch): Promise<void> {
  loading ??= load(place, fetcher);
  return loading;
}

async function load(place: HTMLElement, fetcher: Fetch): Promise<void> {
  const scope = globalThis as { MonacoEnvironment?: unknown; YogaGraphiQL?: Graphiql };
  scope.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_module: string, label: keyof typeof files) => files[label],
  };
  await Promise.all([loadStyle(files.style), import(/* @vite-ignore */ files.script)]);
  place.textContent = "";
  scope.YogaGraphiQL!.renderYogaGraphiQL(place, {
    title: "Causerie",
    logo: " ",
    fetcher,
    // They would be kept in the browser for ever.
    shouldPersistHeaders: false,
    defaultQuery: examples,
  });
}

function loadStyle(href: string): Promise<void> {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => reject(new Error(`${href} did not load.`)));
    document.head.prepend(link);
  });
}

const examples = `# The button runs the one that you choose.

query Rooms {
  viewer {
    id
    name
  }
  rooms(first: 10) {
    edges {
      node {
        id
        name
        unreadCount
        lastMessage {
          content
        }
      }
    }
  }
}

# Over the WebSocket: everything that happens in your rooms
subscription Inbox {
  inbox {
    __typename
    ... on RoomEvent {
      cursor
      room {
        id
        name
      }
    }
    ... on MessageSent {
      message {
        content
        sender {
          name
        }
      }
    }
  }
}

# Its id is for sendMessage
mutation CreateRoom {
  createRoom(input: { name: "Salon" }) {
    room {
      id
    }
    userErrors {
      message
    }
  }
}
`;
