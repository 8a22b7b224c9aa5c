/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query Budgets($organizationId: ID!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      budgets(first: 50, after: $after) {\n        nodes {\n          id\n          name\n          scope\n          scopeId\n          limit\n          window\n          timeZone\n          fiscalStartMonth\n          enforcement\n          filter {\n            models\n            providers\n            dataClasses\n            tag {\n              key\n              value\n            }\n          }\n          thresholds\n          notices {\n            percent\n            reachedAt\n          }\n          state {\n            effectiveLimit\n            exceeded\n            spent\n            suspense\n            available\n            windowId\n            resetsAt\n          }\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": typeof types.BudgetsDocument,
    "\n  query Scopes($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      teams(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n      members(first: 100) {\n        nodes {\n          id\n          person {\n            id\n            name\n          }\n        }\n      }\n      keys(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n    }\n  }\n": typeof types.ScopesDocument,
    "\n  mutation CreateBudget($input: CreateBudgetInput!) {\n    createBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": typeof types.CreateBudgetDocument,
    "\n  mutation UpdateBudget($input: UpdateBudgetInput!) {\n    updateBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": typeof types.UpdateBudgetDocument,
    "\n  mutation RaiseBudget($input: RaiseBudgetInput!) {\n    raiseBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": typeof types.RaiseBudgetDocument,
    "\n  query Chargeback($organizationId: ID!, $period: String!) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        total\n        completeTo\n        ledgerTotal\n        eventCount\n        lines {\n          teamId\n          teamName\n          costCentre\n          keyId\n          keyName\n          model\n          provider\n          requests\n          inputTokens\n          cachedInputTokens\n          cacheWrite5mTokens\n          cacheWrite1hTokens\n          outputTokens\n          reasoningTokens\n          audioInputTokens\n          audioOutputTokens\n          imageInputUnits\n          imageOutputUnits\n          chargedRequests\n          chargedToolCalls\n          cost\n        }\n      }\n    }\n  }\n": typeof types.ChargebackDocument,
    "\n  query CutCalls($organizationId: ID!, $period: String!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        cutCalls(first: 50, after: $after) {\n          nodes {\n            eventId\n            keyId\n            admittedAt\n            model\n            provider\n            outcome\n            streamed\n            cost\n            suspense\n            reserved\n          }\n          pageInfo {\n            hasNextPage\n            endCursor\n          }\n        }\n      }\n    }\n  }\n": typeof types.CutCallsDocument,
    "\n  query NoticeTargets($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      noticeTargets(first: 50) {\n        nodes {\n          id\n          name\n          kind\n          destination\n          deliveredAt\n          failingSince\n          failures\n          lastError\n          waiting\n          givenUp\n        }\n      }\n    }\n  }\n": typeof types.NoticeTargetsDocument,
    "\n  mutation CreateNoticeTarget($input: CreateNoticeTargetInput!) {\n    createNoticeTarget(input: $input) {\n      noticeTarget {\n        id\n      }\n      secret\n    }\n  }\n": typeof types.CreateNoticeTargetDocument,
    "\n  mutation DeleteNoticeTarget($input: DeleteNoticeTargetInput!) {\n    deleteNoticeTarget(input: $input) {\n      id\n    }\n  }\n": typeof types.DeleteNoticeTargetDocument,
    "\n  mutation TestNoticeTarget($input: TestNoticeTargetInput!) {\n    testNoticeTarget(input: $input) {\n      ok\n      message\n    }\n  }\n": typeof types.TestNoticeTargetDocument,
    "\n  query Viewer {\n    viewer {\n      person {\n        id\n        name\n        email\n      }\n      memberships {\n        role\n        organization {\n          id\n          name\n        }\n      }\n    }\n  }\n": typeof types.ViewerDocument,
};
const documents: Documents = {
    "\n  query Budgets($organizationId: ID!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      budgets(first: 50, after: $after) {\n        nodes {\n          id\n          name\n          scope\n          scopeId\n          limit\n          window\n          timeZone\n          fiscalStartMonth\n          enforcement\n          filter {\n            models\n            providers\n            dataClasses\n            tag {\n              key\n              value\n            }\n          }\n          thresholds\n          notices {\n            percent\n            reachedAt\n          }\n          state {\n            effectiveLimit\n            exceeded\n            spent\n            suspense\n            available\n            windowId\n            resetsAt\n          }\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": types.BudgetsDocument,
    "\n  query Scopes($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      teams(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n      members(first: 100) {\n        nodes {\n          id\n          person {\n            id\n            name\n          }\n        }\n      }\n      keys(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n    }\n  }\n": types.ScopesDocument,
    "\n  mutation CreateBudget($input: CreateBudgetInput!) {\n    createBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": types.CreateBudgetDocument,
    "\n  mutation UpdateBudget($input: UpdateBudgetInput!) {\n    updateBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": types.UpdateBudgetDocument,
    "\n  mutation RaiseBudget($input: RaiseBudgetInput!) {\n    raiseBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n": types.RaiseBudgetDocument,
    "\n  query Chargeback($organizationId: ID!, $period: String!) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        total\n        completeTo\n        ledgerTotal\n        eventCount\n        lines {\n          teamId\n          teamName\n          costCentre\n          keyId\n          keyName\n          model\n          provider\n          requests\n          inputTokens\n          cachedInputTokens\n          cacheWrite5mTokens\n          cacheWrite1hTokens\n          outputTokens\n          reasoningTokens\n          audioInputTokens\n          audioOutputTokens\n          imageInputUnits\n          imageOutputUnits\n          chargedRequests\n          chargedToolCalls\n          cost\n        }\n      }\n    }\n  }\n": types.ChargebackDocument,
    "\n  query CutCalls($organizationId: ID!, $period: String!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        cutCalls(first: 50, after: $after) {\n          nodes {\n            eventId\n            keyId\n            admittedAt\n            model\n            provider\n            outcome\n            streamed\n            cost\n            suspense\n            reserved\n          }\n          pageInfo {\n            hasNextPage\n            endCursor\n          }\n        }\n      }\n    }\n  }\n": types.CutCallsDocument,
    "\n  query NoticeTargets($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      noticeTargets(first: 50) {\n        nodes {\n          id\n          name\n          kind\n          destination\n          deliveredAt\n          failingSince\n          failures\n          lastError\n          waiting\n          givenUp\n        }\n      }\n    }\n  }\n": types.NoticeTargetsDocument,
    "\n  mutation CreateNoticeTarget($input: CreateNoticeTargetInput!) {\n    createNoticeTarget(input: $input) {\n      noticeTarget {\n        id\n      }\n      secret\n    }\n  }\n": types.CreateNoticeTargetDocument,
    "\n  mutation DeleteNoticeTarget($input: DeleteNoticeTargetInput!) {\n    deleteNoticeTarget(input: $input) {\n      id\n    }\n  }\n": types.DeleteNoticeTargetDocument,
    "\n  mutation TestNoticeTarget($input: TestNoticeTargetInput!) {\n    testNoticeTarget(input: $input) {\n      ok\n      message\n    }\n  }\n": types.TestNoticeTargetDocument,
    "\n  query Viewer {\n    viewer {\n      person {\n        id\n        name\n        email\n      }\n      memberships {\n        role\n        organization {\n          id\n          name\n        }\n      }\n    }\n  }\n": types.ViewerDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Budgets($organizationId: ID!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      budgets(first: 50, after: $after) {\n        nodes {\n          id\n          name\n          scope\n          scopeId\n          limit\n          window\n          timeZone\n          fiscalStartMonth\n          enforcement\n          filter {\n            models\n            providers\n            dataClasses\n            tag {\n              key\n              value\n            }\n          }\n          thresholds\n          notices {\n            percent\n            reachedAt\n          }\n          state {\n            effectiveLimit\n            exceeded\n            spent\n            suspense\n            available\n            windowId\n            resetsAt\n          }\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Budgets($organizationId: ID!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      budgets(first: 50, after: $after) {\n        nodes {\n          id\n          name\n          scope\n          scopeId\n          limit\n          window\n          timeZone\n          fiscalStartMonth\n          enforcement\n          filter {\n            models\n            providers\n            dataClasses\n            tag {\n              key\n              value\n            }\n          }\n          thresholds\n          notices {\n            percent\n            reachedAt\n          }\n          state {\n            effectiveLimit\n            exceeded\n            spent\n            suspense\n            available\n            windowId\n            resetsAt\n          }\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Scopes($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      teams(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n      members(first: 100) {\n        nodes {\n          id\n          person {\n            id\n            name\n          }\n        }\n      }\n      keys(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Scopes($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      teams(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n      members(first: 100) {\n        nodes {\n          id\n          person {\n            id\n            name\n          }\n        }\n      }\n      keys(first: 100) {\n        nodes {\n          id\n          name\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateBudget($input: CreateBudgetInput!) {\n    createBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateBudget($input: CreateBudgetInput!) {\n    createBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateBudget($input: UpdateBudgetInput!) {\n    updateBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateBudget($input: UpdateBudgetInput!) {\n    updateBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RaiseBudget($input: RaiseBudgetInput!) {\n    raiseBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation RaiseBudget($input: RaiseBudgetInput!) {\n    raiseBudget(input: $input) {\n      budget {\n        id\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Chargeback($organizationId: ID!, $period: String!) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        total\n        completeTo\n        ledgerTotal\n        eventCount\n        lines {\n          teamId\n          teamName\n          costCentre\n          keyId\n          keyName\n          model\n          provider\n          requests\n          inputTokens\n          cachedInputTokens\n          cacheWrite5mTokens\n          cacheWrite1hTokens\n          outputTokens\n          reasoningTokens\n          audioInputTokens\n          audioOutputTokens\n          imageInputUnits\n          imageOutputUnits\n          chargedRequests\n          chargedToolCalls\n          cost\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Chargeback($organizationId: ID!, $period: String!) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        total\n        completeTo\n        ledgerTotal\n        eventCount\n        lines {\n          teamId\n          teamName\n          costCentre\n          keyId\n          keyName\n          model\n          provider\n          requests\n          inputTokens\n          cachedInputTokens\n          cacheWrite5mTokens\n          cacheWrite1hTokens\n          outputTokens\n          reasoningTokens\n          audioInputTokens\n          audioOutputTokens\n          imageInputUnits\n          imageOutputUnits\n          chargedRequests\n          chargedToolCalls\n          cost\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CutCalls($organizationId: ID!, $period: String!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        cutCalls(first: 50, after: $after) {\n          nodes {\n            eventId\n            keyId\n            admittedAt\n            model\n            provider\n            outcome\n            streamed\n            cost\n            suspense\n            reserved\n          }\n          pageInfo {\n            hasNextPage\n            endCursor\n          }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query CutCalls($organizationId: ID!, $period: String!, $after: String) {\n    organization(id: $organizationId) {\n      id\n      chargeback(period: $period) {\n        period\n        cutCalls(first: 50, after: $after) {\n          nodes {\n            eventId\n            keyId\n            admittedAt\n            model\n            provider\n            outcome\n            streamed\n            cost\n            suspense\n            reserved\n          }\n          pageInfo {\n            hasNextPage\n            endCursor\n          }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query NoticeTargets($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      noticeTargets(first: 50) {\n        nodes {\n          id\n          name\n          kind\n          destination\n          deliveredAt\n          failingSince\n          failures\n          lastError\n          waiting\n          givenUp\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query NoticeTargets($organizationId: ID!) {\n    organization(id: $organizationId) {\n      id\n      viewerRole\n      noticeTargets(first: 50) {\n        nodes {\n          id\n          name\n          kind\n          destination\n          deliveredAt\n          failingSince\n          failures\n          lastError\n          waiting\n          givenUp\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateNoticeTarget($input: CreateNoticeTargetInput!) {\n    createNoticeTarget(input: $input) {\n      noticeTarget {\n        id\n      }\n      secret\n    }\n  }\n"): (typeof documents)["\n  mutation CreateNoticeTarget($input: CreateNoticeTargetInput!) {\n    createNoticeTarget(input: $input) {\n      noticeTarget {\n        id\n      }\n      secret\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteNoticeTarget($input: DeleteNoticeTargetInput!) {\n    deleteNoticeTarget(input: $input) {\n      id\n    }\n  }\n"): (typeof documents)["\n  mutation DeleteNoticeTarget($input: DeleteNoticeTargetInput!) {\n    deleteNoticeTarget(input: $input) {\n      id\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation TestNoticeTarget($input: TestNoticeTargetInput!) {\n    testNoticeTarget(input: $input) {\n      ok\n      message\n    }\n  }\n"): (typeof documents)["\n  mutation TestNoticeTarget($input: TestNoticeTargetInput!) {\n    testNoticeTarget(input: $input) {\n      ok\n      message\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Viewer {\n    viewer {\n      person {\n        id\n        name\n        email\n      }\n      memberships {\n        role\n        organization {\n          id\n          name\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Viewer {\n    viewer {\n      person {\n        id\n        name\n        email\n      }\n      memberships {\n        role\n        organization {\n          id\n          name\n        }\n      }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;