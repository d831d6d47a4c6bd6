//! Follows `derivedFrom`: from an element to the one it is derived from, and on.
//!
//! Nothing is copied. An element is looked at as a chain, itself first; each property is that of
//! the first link that has it. A name is looked for beside the element, then further out, then,
//! if dotted, from the peripheral down, which is how vendors use it.

use std::collections::HashMap;
use std::rc::Rc;

use super::arrays;
use super::bounds::Comparisons;
use super::tree::{Cluster, Device, Dim, Enums, Field, Node, Peripheral, Register};

/// Longest chain followed; longer ones go in circles.
const MAX_CHAIN: usize = 16;

pub(super) struct Derivation<'t, 'a> {
    peripherals: HashMap<&'t str, &'t Peripheral<'a>>,
    pub(super) comparisons: Comparisons,
}

/// Where an element stands: the lists of nodes around it, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'t, 'a> {
    lists: Rc<[&'t [Node<'a>]]>,
}

impl<'t, 'a> Scope<'t, 'a> {
    pub(super) fn within(&self, list: &'t [Node<'a>]) -> Self {
        Self { lists: self.lists.iter().copied().chain([list]).collect() }
    }
}

/// An element and where it stands.
pub(super) type Link<'t, 'a, T> = (&'t T, Scope<'t, 'a>);

/// An element, what it is derived from, and so on. `lost` names a base that does not exist or
/// leads back.
pub(super) struct Chain<L> {
    pub(super) own: L,
    /// Of most elements none.
    bases: Vec<L>,
    pub(super) lost: Option<String>,
}

impl<L> Chain<L> {
    /// The element itself, then what it is derived from.
    pub(super) fn links(&self) -> impl Iterator<Item = &L> + Clone {
        std::iter::once(&self.own).chain(&self.bases)
    }
}

impl<'t, 'a> Derivation<'t, 'a> {
    pub(super) fn new(device: &'t Device<'a>) -> Self {
        let mut peripherals = HashMap::with_capacity(device.peripherals.len());
        for peripheral in &device.peripherals {
            peripherals.entry(peripheral.name).or_insert(peripheral);
        }
        Self { peripherals, comparisons: Comparisons::default() }
    }

    pub(super) fn peripheral(&self, peripheral: &'t Peripheral<'a>) -> Chain<&'t Peripheral<'a>> {
        follow(peripheral, |link| {
            let base = link.derived_from?;
            let found = self.find_peripheral(base);
            Some((base, found.filter(|found| !std::ptr::eq(*found, *link))))
        })
    }

    pub(super) fn cluster(
        &self,
        cluster: &'t Cluster<'a>,
        scope: Scope<'t, 'a>,
    ) -> Chain<Link<'t, 'a, Cluster<'a>>> {
        follow((cluster, scope), |(link, scope)| {
            let base = link.derived_from?;
            let found = self.find_node(base, scope, &as_cluster);
            Some((base, found.filter(|(found, _)| !std::ptr::eq(*found, *link))))
        })
    }

    pub(super) fn register(
        &self,
        register: &'t Register<'a>,
        scope: Scope<'t, 'a>,
    ) -> Chain<Link<'t, 'a, Register<'a>>> {
        follow((register, scope), |(link, scope)| {
            let base = link.derived_from?;
            let found = self.find_node(base, scope, &as_register);
            Some((base, found.filter(|(found, _)| !std::ptr::eq(*found, *link))))
        })
    }

    /// `fields` are those around the field, `scope` the place of their register.
    pub(super) fn field(
        &self,
        field: &'t Field<'a>,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
    ) -> Chain<(&'t Field<'a>, &'t [Field<'a>])> {
        follow((field, fields), |(link, fields)| {
            let base = link.derived_from?;
            let found = self.find_field(base, fields, scope);
            Some((base, found.filter(|(found, _)| !std::ptr::eq(*found, *link))))
        })
    }

    /// `fields` are those of the register that has the enumerated values, `scope` its place.
    pub(super) fn enums(
        &self,
        enums: &'t Enums<'a>,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
    ) -> Chain<&'t Enums<'a>> {
        follow(enums, |link| {
            let base = link.derived_from?;
            let found = self.find_enums(base, fields, scope);
            Some((base, found.filter(|found| !std::ptr::eq(*found, *link))))
        })
    }

    /// The nodes of a peripheral, its own or of the first in its chain that has any.
    pub(super) fn children(&self, peripheral: &'t Peripheral<'a>) -> &'t [Node<'a>] {
        let chain = self.peripheral(peripheral);
        let mut own = chain.links().filter_map(|link| link.children.as_deref());
        own.find(|children| !children.is_empty()).unwrap_or_default()
    }

    fn find_peripheral(&self, name: &str) -> Option<&'t Peripheral<'a>> {
        let exact = self.peripherals.get(name).copied();
        exact.or_else(|| {
            let mut all = self.peripherals.values();
            all.find(|other| has_element(other.name, Some(&other.dim), name, &self.comparisons))
                .copied()
        })
    }

    fn find_node<T>(
        &self,
        path: &str,
        scope: &Scope<'t, 'a>,
        pick: &dyn Fn(&'t Node<'a>) -> Option<&'t T>,
    ) -> Option<Link<'t, 'a, T>> {
        let parts: Vec<&str> = path.split('.').collect();
        for depth in (1..=scope.lists.len()).rev() {
            let outer = Scope { lists: Rc::from(&scope.lists[..depth]) };
            if let Some(found) = descend(&parts, &outer, pick, &self.comparisons) {
                return Some(found);
            }
        }
        let (first, rest) = parts.split_first()?;
        let peripheral = self.find_peripheral(first)?;
        let top = Scope::default().within(self.children(peripheral));
        descend(rest, &top, pick, &self.comparisons)
    }

    fn find_field(
        &self,
        path: &str,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
    ) -> Option<(&'t Field<'a>, &'t [Field<'a>])> {
        let Some((register_path, name)) = path.rsplit_once('.') else {
            return Some((field_called(path, fields, &self.comparisons)?, fields));
        };
        let (register, scope) = self.find_node(register_path, scope, &as_register)?;
        let fields = self.fields(register, scope)?;
        Some((field_called(name, fields, &self.comparisons)?, fields))
    }

    fn find_enums(
        &self,
        path: &str,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
    ) -> Option<&'t Enums<'a>> {
        let Some((field_path, name)) = path.rsplit_once('.') else {
            let enough = self.comparisons.take(fields.len());
            return enough
                .then_some(fields)?
                .iter()
                .flat_map(|field| field.enums)
                .find(|enums| enums.name == path)
                .or_else(|| {
                    // Seen too: the name of a set in another register of the peripheral.
                    let lists = scope.lists.first()?;
                    find_enums_below(lists, path, &self.comparisons)
                });
        };
        let (field, _) = self.find_field(field_path, fields, scope)?;
        field.enums.iter().find(|enums| enums.name == name)
    }

    fn fields(&self, register: &'t Register<'a>, scope: Scope<'t, 'a>) -> Option<&'t [Field<'a>]> {
        let chain = self.register(register, scope);
        let mut fields = chain.links().filter_map(|(link, _)| link.fields);
        fields.next()
    }
}

fn follow<'n, L>(own: L, mut base_of: impl FnMut(&L) -> Option<(&'n str, Option<L>)>) -> Chain<L> {
    let mut chain = Chain { own, bases: Vec::new(), lost: None };
    while let Some((name, base)) = base_of(chain.bases.last().unwrap_or(&chain.own)) {
        match base {
            Some(base) if chain.bases.len() + 1 < MAX_CHAIN => chain.bases.push(base),
            _ => {
                chain.lost = Some(name.to_owned());
                break;
            }
        }
    }
    chain
}

fn descend<'t, 'a, T>(
    parts: &[&str],
    scope: &Scope<'t, 'a>,
    pick: &dyn Fn(&'t Node<'a>) -> Option<&'t T>,
    comparisons: &Comparisons,
) -> Option<Link<'t, 'a, T>> {
    let list: &'t [Node<'a>] = scope.lists.last()?;
    let (first, rest) = parts.split_first()?;
    comparisons.take(list.len()).then_some(())?;
    let named = list.iter().filter(|node| node_name(node).0 == *first);
    let elements = list.iter().filter(|node| {
        let (name, dim) = node_name(node);
        has_element(name, dim, first, comparisons)
    });
    // A register of its own by this name comes before an array that has such an element.
    let mut nodes = named.chain(elements);
    if rest.is_empty() {
        return nodes.find_map(pick).map(|found| (found, scope.clone()));
    }
    nodes
        .filter_map(as_cluster)
        .find_map(|cluster| descend(rest, &scope.within(&cluster.children), pick, comparisons))
}

fn field_called<'t, 'a>(
    name: &str,
    fields: &'t [Field<'a>],
    comparisons: &Comparisons,
) -> Option<&'t Field<'a>> {
    comparisons.take(fields.len()).then_some(())?;
    let named = fields.iter().find(|field| field.name == name);
    named.or_else(|| {
        let mut all = fields.iter();
        all.find(|field| has_element(field.name, field.dim.given(), name, comparisons))
    })
}

fn find_enums_below<'t, 'a>(
    nodes: &'t [Node<'a>],
    name: &str,
    comparisons: &Comparisons,
) -> Option<&'t Enums<'a>> {
    nodes.iter().find_map(|node| match node {
        Node::Cluster(cluster) => find_enums_below(&cluster.children, name, comparisons),
        Node::Register(register) => {
            let fields = register.fields.unwrap_or_default();
            comparisons.take(1 + fields.len()).then_some(())?;
            fields.iter().flat_map(|field| field.enums).find(|enums| enums.name == name)
        }
    })
}

fn as_cluster<'t, 'a>(node: &'t Node<'a>) -> Option<&'t Cluster<'a>> {
    match node {
        Node::Cluster(cluster) => Some(cluster),
        Node::Register(_) => None,
    }
}

fn as_register<'t, 'a>(node: &'t Node<'a>) -> Option<&'t Register<'a>> {
    match node {
        Node::Register(register) => Some(register),
        Node::Cluster(_) => None,
    }
}

fn node_name<'n, 'a>(node: &'n Node<'a>) -> (&'a str, Option<&'n Dim<'a>>) {
    match node {
        Node::Cluster(cluster) => (cluster.name, Some(&cluster.dim)),
        Node::Register(register) => (register.name, register.dim.given()),
    }
}

/// True if `reference` names the array called `name`, without its placeholder, or one element
/// of it.
fn has_element(
    name: &str,
    dim: Option<&Dim<'_>>,
    reference: &str,
    comparisons: &Comparisons,
) -> bool {
    /// What reading an array's index costs, in comparisons, if it is short.
    const INDEX: usize = 64;
    if !comparisons.take(1) {
        return false;
    }
    let Some((before, after)) = name.split_once("[%s]").or_else(|| name.split_once("%s")) else {
        return false;
    };
    let index = reference.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    index.is_some_and(|index| {
        let index = index.trim_start_matches('[').trim_end_matches(']');
        if matches!(index, "" | "%s") {
            return true;
        }
        comparisons.take(INDEX + dim.and_then(|dim| dim.index).map_or(0, str::len));
        match arrays::resolve(name, std::iter::once(dim)).0 {
            Some(array) => array.has_text(index),
            // Its dimension is derived itself.
            None => index.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        }
    })
}
