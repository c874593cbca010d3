import type { User } from "../../client/index.ts";

const maxNamed = 3;

/** Who is typing. Its place is kept while nobody is, so that nothing moves. */
export function TypingLine({ users }: { users: readonly User[] }) {
  return (
    <p className="typing">
      {users.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {typingText(users.map(({ name }) => name))}
        </>
      )}
    </p>
  );
}

/** "Bob is typing…", "Bob, Carol and Dan are typing…", "Bob, Carol and 3 others are typing…". */
function typingText(names: readonly string[]): string {
  const verb = names.length === 1 ? "is" : "are";
  if (names.length <= maxNamed) return `${listed.format(names)} ${verb} typing…`;
  const named = names.slice(0, maxNamed - 1);
  return `${listed.format([...named, `${names.length - named.length} others`])} ${verb} typing…`;
}

const listed = new Intl.ListFormat("en-GB", { type: "conjunction" });
