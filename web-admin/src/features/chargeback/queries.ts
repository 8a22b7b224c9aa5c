import { graphql } from '../../gql';

/** A month's lines and totals. Read by the report. */
export const ChargebackQuery = graphql(`
  query Chargeback($organizationId: ID!, $period: String!) {
    organization(id: $organizationId) {
      id
      chargeback(period: $period) {
        period
        total
        completeTo
        ledgerTotal
        eventCount
        lines {
          teamId
          teamName
          costCentre
          keyId
          keyName
          model
          provider
          requests
          inputTokens
          cachedInputTokens
          cacheWrite5mTokens
          cacheWrite1hTokens
          outputTokens
          reasoningTokens
          audioInputTokens
          audioOutputTokens
          imageInputUnits
          imageOutputUnits
          chargedRequests
          chargedToolCalls
          cost
        }
      }
    }
  }
`);

/** A page of the calls that were cut short. Read by their list. */
export const CutCallsQuery = graphql(`
  query CutCalls($organizationId: ID!, $period: String!, $after: String) {
    organization(id: $organizationId) {
      id
      chargeback(period: $period) {
        period
        cutCalls(first: 50, after: $after) {
          nodes {
            eventId
            keyId
            admittedAt
            model
            provider
            outcome
            streamed
            cost
            suspense
            reserved
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);
