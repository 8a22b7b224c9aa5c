/** The GraphQL client: one document cache, requests in the name of who is signed in. */
import { cacheExchange, Client, type CombinedError, fetchExchange } from 'urql';
import { sentence } from './refusal';
import type { Session } from './session';

export function createGraphqlClient(session: Session): Client {
  return new Client({
    url: '/graphql',
    fetch: session.fetch,
    preferGetMethod: false,
    exchanges: [cacheExchange, fetchExchange],
  });
}

/** What went wrong, in words for the person in front of the page. */
export function describe(error: CombinedError): string {
  const [refused] = error.graphQLErrors;
  if (refused) return sentence(refused.message);
  if (error.response === undefined) return 'The server cannot be reached. Check the connection and try again.';
  return 'The server answered with an error. Try again in a moment.';
}
