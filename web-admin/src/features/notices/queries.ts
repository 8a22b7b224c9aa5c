import { graphql } from '../../gql';

/** Where notices go, with how the last deliveries ended. Read by their list. */
export const NoticeTargetsQuery = graphql(`
  query NoticeTargets($organizationId: ID!) {
    organization(id: $organizationId) {
      id
      viewerRole
      noticeTargets(first: 50) {
        nodes {
          id
          name
          kind
          destination
          deliveredAt
          failingSince
          failures
          lastError
          waiting
          givenUp
        }
      }
    }
  }
`);

/** What makes the list be read again: one without targets does not hold the type that a new one brings. */
export const TARGET_TYPES = { additionalTypenames: ['NoticeTarget'] };

/** Adds a target; a webhook's secret comes once. */
export const CreateNoticeTargetMutation = graphql(`
  mutation CreateNoticeTarget($input: CreateNoticeTargetInput!) {
    createNoticeTarget(input: $input) {
      noticeTarget {
        id
      }
      secret
    }
  }
`);

/** Removes a target. */
export const DeleteNoticeTargetMutation = graphql(`
  mutation DeleteNoticeTarget($input: DeleteNoticeTargetInput!) {
    deleteNoticeTarget(input: $input) {
      id
    }
  }
`);

/** Sends a test message. */
export const TestNoticeTargetMutation = graphql(`
  mutation TestNoticeTarget($input: TestNoticeTargetInput!) {
    testNoticeTarget(input: $input) {
      ok
      message
    }
  }
`);
