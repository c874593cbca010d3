// The part of Causerie's schema that the bench selects from.
export const typeDefs = /* GraphQL */ `
  scalar DateTime
  scalar Cursor
  scalar HLC

  type Query {
    viewer: User!
  }
  type Subscription {
    roomEvents(roomId: ID!): FeedItem!
  }
  type User {
    id: ID!
    name: String!
    avatarUrl: String
  }
  type Message {
    id: ID!
    clientMessageId: String!
    position: Cursor!
    version: Cursor!
    content: String
    hlc: HLC!
    sentAt: DateTime!
    editedAt: DateTime
    sender: User!
  }
  type MessageSent {
    cursor: Cursor!
    message: Message!
  }
  type CaughtUp {
    cursors: [Cursor!]!
  }
  union FeedItem = MessageSent | CaughtUp
`;
