/** A server that answers what a test tells it. Answers are typed by their documents, so that they cannot drift apart. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { Kind } from 'graphql';
import { vi } from 'vitest';

type Handler = (body: Record<string, unknown>, headers: Headers) => Response | Promise<Response>;

export interface FakeServer {
  /** Answers a path; the last one told wins. */
  on(path: string, handler: Handler): FakeServer;
  /** Answers a GraphQL document. */
  answer<Data, Variables>(document: TypedDocumentNode<Data, Variables>, data: (variables: Variables) => Data): FakeServer;
  /** Refuses a GraphQL document with one of the server's codes. */
  refuse(document: TypedDocumentNode<unknown, never>, code: string, message: string): FakeServer;
  /** The paths asked for so far. */
  readonly asked: string[];
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

export function tokenAnswer(value: string, seconds = 300): Response {
  return json(200, { access_token: value, expires_in: seconds, token_type: 'Bearer' });
}

/** Takes the place of `fetch`. Somebody is signed in until the test says otherwise. */
export function fakeServer(): FakeServer {
  const paths = new Map<string, Handler>();
  const operations = new Map<string, (variables: never) => Response>();
  const asked: string[] = [];
  const server: FakeServer = {
    asked,
    on(path, handler) {
      paths.set(path, handler);
      return server;
    },
    answer(document, data) {
      operations.set(nameOf(document), (variables) => json(200, { data: data(variables) }));
      return server;
    },
    refuse(document, code, message) {
      operations.set(nameOf(document), () => json(200, { data: null, errors: [{ message, extensions: { code } }] }));
      return server;
    },
  };
  server.on('/auth/refresh', () => tokenAnswer('fresh'));
  server.on('/graphql', ({ operationName, variables }) => {
    const operation = operations.get(String(operationName));
    if (!operation) throw new Error(`the test does not say what ${String(operationName)} is answered with`);
    return operation(variables as never);
  });
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const [path = ''] = String(input).split('?');
    asked.push(path);
    const handler = paths.get(path);
    if (!handler) throw new Error(`the test does not say what ${path} is answered with`);
    return handler(init.body ? JSON.parse(String(init.body)) : {}, new Headers(init.headers));
  });
  return server;
}

function nameOf(document: TypedDocumentNode<never, never> | TypedDocumentNode<unknown, never>): string {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation?.name) throw new Error('every document has a named operation');
  return operation.name.value;
}
