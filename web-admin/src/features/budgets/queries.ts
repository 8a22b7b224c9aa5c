import { graphql } from '../../gql';

/** A page of the budgets, with where each stands. Read by their list. */
export const BudgetsQuery = graphql(`
  query Budgets($organizationId: ID!, $after: String) {
    organization(id: $organizationId) {
      id
      viewerRole
      budgets(first: 50, after: $after) {
        nodes {
          id
          name
          scope
          scopeId
          limit
          window
          timeZone
          fiscalStartMonth
          enforcement
          filter {
            models
            providers
            dataClasses
            tag {
              key
              value
            }
          }
          thresholds
          notices {
            percent
            reachedAt
          }
          state {
            effectiveLimit
            exceeded
            spent
            suspense
            available
            windowId
            resetsAt
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

/** What makes the list be read again: a page without budgets does not hold the type that a new one brings. */
export const BUDGET_TYPES = { additionalTypenames: ['Budget'] };

/** Whom a budget can be for. Read by the form of a new one. */
export const ScopesQuery = graphql(`
  query Scopes($organizationId: ID!) {
    organization(id: $organizationId) {
      id
      teams(first: 100) {
        nodes {
          id
          name
        }
      }
      members(first: 100) {
        nodes {
          id
          person {
            id
            name
          }
        }
      }
      keys(first: 100) {
        nodes {
          id
          name
        }
      }
    }
  }
`);

/** Makes a budget. */
export const CreateBudgetMutation = graphql(`
  mutation CreateBudget($input: CreateBudgetInput!) {
    createBudget(input: $input) {
      budget {
        id
      }
    }
  }
`);

/** Changes a budget. */
export const UpdateBudgetMutation = graphql(`
  mutation UpdateBudget($input: UpdateBudgetInput!) {
    updateBudget(input: $input) {
      budget {
        id
      }
    }
  }
`);

/** Adds to a budget's limit for some time. */
export const RaiseBudgetMutation = graphql(`
  mutation RaiseBudget($input: RaiseBudgetInput!) {
    raiseBudget(input: $input) {
      budget {
        id
      }
    }
  }
`);
