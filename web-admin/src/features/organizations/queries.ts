import { graphql } from '../../gql';

/** Who is signed in, and in which organizations. Read by the shell and the start page. */
export const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      person {
        id
        name
        email
      }
      memberships {
        role
        organization {
          id
          name
        }
      }
    }
  }
`);
