//! What one GraphQL request may ask for, checked before anything is resolved.
//!
//! Invariant: the check takes time in proportion to the text, however often its fragments are spread: each fragment is
//! measured once. The library's own checks unfold fragments, so they come after this one.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

use crate::error::AdminError;

pub(crate) const BODY_BYTES: usize = 100 * 1024;
pub(crate) const TIMEOUT_SECONDS: u64 = 5;
/// A mutation waits for nodes to obey it, and a test of a credential for a provider.
pub(crate) const MUTATION_TIMEOUT_SECONDS: u64 = 30;
pub(crate) const DEPTH: usize = 10;
/// What the tools' introspection query needs: it follows wrapped types nine deep.
pub(crate) const INTROSPECTION_DEPTH: usize = 20;
pub(crate) const COMPLEXITY: usize = 1_000;
pub(crate) const DIRECTIVES: usize = 10;
const ROOT_FIELDS: usize = 10;
const ALIASES: usize = 15;
/// Fields after all fragments are unfolded: bounds the work of the checks that unfold them.
const FIELDS: usize = 2_000;

/// How deep brackets may nest in the text. The parser recurses, and a stack that overflows ends the process.
const NESTING: usize = 48;

/// Refuses a text that the parser should not even see.
pub(crate) fn check_text(query: &str) -> Result<(), AdminError> {
    let (mut depth, mut rest) = (0_usize, query);
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '#' => rest.find(['\n', '\r']).and_then(|end| rest.get(end..)).unwrap_or_default(),
            '"' => after_string(rest),
            _ => rest.get(next.len_utf8()..).unwrap_or_default(),
        };
        match next {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING {
            return Err(AdminError::TooComplex(format!("the request nests deeper than {NESTING} brackets")));
        }
    }
    Ok(())
}

/// What follows the string or block string that `text` begins with.
fn after_string(text: &str) -> &str {
    let (quotes, body) = match text.strip_prefix("\"\"\"") {
        Some(body) => ("\"\"\"", body),
        None => ("\"", text.get(1..).unwrap_or_default()),
    };
    let mut rest = body;
    loop {
        if let Some(after) = rest.strip_prefix(quotes) {
            return after;
        }
        let escaped = if quotes.len() == 3 { "\\\"\"\"" } else { "\\" };
        let mut chars = rest.chars();
        match (rest.strip_prefix(escaped), chars.next()) {
            (_, None) => return "",
            (Some(after), _) if quotes.len() == 3 => rest = after,
            (Some(after), _) => {
                rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default()
            }
            (None, Some(_)) => rest = chars.as_str(),
        }
    }
}

/// What a selection comes to with its fragments unfolded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Measure {
    fields: usize,
    aliases: usize,
    own_fields: usize,
}

/// Refuses a document that asks for too much. Answers whether it asks about the schema only.
pub(crate) fn check(document: &ExecutableDocument) -> Result<bool, AdminError> {
    let mut meter = Meter { document, fragments: HashMap::new() };
    let mut is_introspection = true;
    for (_, operation) in document.operations.iter() {
        let selection = &operation.node.selection_set.node;
        let measure = meter.measure(selection)?;
        // Each field of a subscription is a stream of its own.
        let is_subscription = operation.node.ty == OperationType::Subscription;
        refuse_above("root fields", measure.own_fields, if is_subscription { 1 } else { ROOT_FIELDS })?;
        refuse_above("aliases", measure.aliases, ALIASES)?;
        refuse_above("fields", measure.fields, FIELDS)?;
        is_introspection &= asks_about_schema(selection);
    }
    Ok(is_introspection)
}

fn refuse_above(what: &str, count: usize, most: usize) -> Result<(), AdminError> {
    if count <= most {
        return Ok(());
    }
    Err(AdminError::TooComplex(format!("the request has {count} {what}; at most {most} are answered")))
}

fn asks_about_schema(selection: &SelectionSet) -> bool {
    let is_meta = |item: &Positioned<Selection>| match &item.node {
        Selection::Field(field) => field.node.name.node.starts_with("__"),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    };
    selection.items.iter().all(is_meta)
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being measured: finding it again then is a cycle.
    fragments: HashMap<&'a Name, Option<Measure>>,
}

impl<'a> Meter<'a> {
    fn measure(&mut self, selection: &'a SelectionSet) -> Result<Measure, AdminError> {
        let mut sum = Measure::default();
        for item in &selection.items {
            let part = match &item.node {
                Selection::Field(field) => {
                    let inner = self.measure(&field.node.selection_set.node)?;
                    let alias = usize::from(field.node.alias.is_some());
                    Measure {
                        fields: inner.fields.saturating_add(1),
                        aliases: inner.aliases.saturating_add(alias),
                        own_fields: 1,
                    }
                }
                Selection::InlineFragment(inline) => self.measure(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            sum.fields = sum.fields.saturating_add(part.fields);
            sum.aliases = sum.aliases.saturating_add(part.aliases);
            sum.own_fields = sum.own_fields.saturating_add(part.own_fields);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Measure, AdminError> {
        match self.fragments.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => {
                return Err(AdminError::bad_input("query", format!("fragment {name} spreads itself")));
            }
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Err(AdminError::bad_input("query", format!("there is no fragment {name}")));
        };
        self.fragments.insert(name, None);
        let measure = self.measure(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure)
    }
}

#[cfg(test)]
mod tests;
