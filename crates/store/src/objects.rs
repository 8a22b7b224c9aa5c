//! The objects of an organization's policy out of their tables.
//!
//! Invariant: what was removed, though its row is kept, is no object.

use domain::OrgId;
use domain::key::Key;
use domain::limit::Budget;
use domain::org::{Member, Org, Team};
use policy::record::{Credential, ObjectRef, OrgObject, Policy};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, Select};

use crate::changes::object_id;
use crate::entity::{budget, credential, key, member, org, policy as table, team};
use crate::error::StoreError;
use crate::scope::{OrgTable, rows};

/// A table with such objects.
trait Noun: OrgTable {
    const ID: Self::Column;

    /// Whether its rows are what `object` refers to.
    fn holds(object: ObjectRef) -> bool;

    fn object(row: Self::Model) -> Result<OrgObject, StoreError>;

    /// Those that were not removed.
    fn present(select: Select<Self>) -> Select<Self> {
        select
    }
}

macro_rules! noun {
    ($table:ident, $variant:ident, $object:ty $(, $present:expr)?) => {
        impl Noun for $table::Entity {
            const ID: $table::Column = $table::Column::Id;

            fn holds(object: ObjectRef) -> bool {
                matches!(object, ObjectRef::$variant(_))
            }

            fn object(row: $table::Model) -> Result<OrgObject, StoreError> {
                <$object>::try_from(row).map(OrgObject::$variant)
            }

            $(fn present(select: Select<Self>) -> Select<Self> {
                $present(select)
            })?
        }
    };
}

noun!(org, Org, Org);
noun!(team, Team, Team);
noun!(member, Member, Member, crate::members::present);
noun!(key, Key, Key);
noun!(table, Policy, Policy);
noun!(budget, Budget, Budget, crate::budgets::present);
noun!(credential, Credential, Credential);

/// All objects of `org`, or those of `which` that there are.
pub(crate) async fn objects(
    org: OrgId,
    which: Option<&[ObjectRef]>,
    sql: &DatabaseTransaction,
) -> Result<Vec<OrgObject>, StoreError> {
    let mut found = objects_in::<org::Entity>(org, which, sql).await?;
    found.extend(objects_in::<team::Entity>(org, which, sql).await?);
    found.extend(objects_in::<member::Entity>(org, which, sql).await?);
    found.extend(objects_in::<key::Entity>(org, which, sql).await?);
    found.extend(objects_in::<table::Entity>(org, which, sql).await?);
    found.extend(objects_in::<budget::Entity>(org, which, sql).await?);
    found.extend(objects_in::<credential::Entity>(org, which, sql).await?);
    Ok(found)
}

async fn objects_in<E: Noun>(
    org: OrgId,
    which: Option<&[ObjectRef]>,
    sql: &DatabaseTransaction,
) -> Result<Vec<OrgObject>, StoreError> {
    let mut select = E::present(rows(org));
    if let Some(which) = which {
        let ids: Vec<_> = which.iter().filter(|object| E::holds(**object)).map(|id| object_id(*id)).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        select = select.filter(E::ID.is_in(ids));
    }
    select.all(sql).await?.into_iter().map(E::object).collect()
}
