//! The subset of FHIRPath that R4's search parameters use, as paths.
//!
//! That is: unions of dotted paths with `X as T`, `.as(T)`, `[n]`,
//! `.where(resolve() is T)`, `.where(element='literal')`, and one sentence of its own,
//! `X.exists() and X != false`.

/// Choice elements of R4, `Type.element` to the types it can have.
const CHOICES: &str = include_str!("../definitions/choices.tsv");

/// One step from a set of JSON values to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name; arrays are opened.
    Field(&'static str),
    /// The members of these names: a choice element, each of its types.
    OneOf(Vec<String>),
    /// The element at this place.
    Index(usize),
    /// Only those whose member equals the text.
    WhereEquals(&'static str, &'static str),
    /// Only references to this type.
    WhereResolves(&'static str),
    /// One boolean: something is there, and it is not `false`.
    ExistsAndIsNotFalse,
}

/// A path from a resource of a type to values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// `Observation`, `Resource`, `DomainResource`, …
    pub(crate) root: &'static str,
    pub(crate) steps: Vec<Step>,
    /// The element selected, as the definitions name it.
    element: String,
}

/// A path from an element, or with `from_resource` from the resource around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelativePath {
    pub(crate) from_resource: bool,
    pub(crate) steps: Vec<Step>,
}

/// Parses the expression of a composite's part, which starts at what `base` selects or, with
/// `%resource`, at the resource itself.
pub(crate) fn parse_relative(base: &Path, text: &'static str) -> Option<Vec<RelativePath>> {
    text.split('|')
        .map(|part| {
            let part = part.trim();
            let (from_resource, rest, element) = match part.strip_prefix("%resource.") {
                Some(rest) => (true, rest, base.root),
                None => (false, part, base.element.as_str()),
            };
            let mut cursor = Cursor {
                path: Path {
                    root: base.root,
                    steps: Vec::new(),
                    element: element.to_owned(),
                },
            };
            let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
            cursor.field(rest.get(..end)?)?;
            let mut rest = rest.get(end..)?;
            while !rest.is_empty() {
                rest = cursor.step(rest)?;
            }
            Some(RelativePath {
                from_resource,
                steps: cursor.path.steps,
            })
        })
        .collect()
}

/// The member names along a path, each alternative of a choice on a path of its own.
pub(crate) fn members(steps: &[Step]) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = vec![Vec::new()];
    for step in steps {
        match step {
            Step::Field(name) => found.iter_mut().for_each(|path| path.push(name)),
            Step::OneOf(names) => {
                let mut longer = Vec::new();
                for path in &found {
                    for name in names {
                        let mut path = path.clone();
                        path.push(name.as_str());
                        longer.push(path);
                    }
                }
                found = longer;
            }
            // These choose among what is there already.
            Step::Index(_)
            | Step::WhereEquals(..)
            | Step::WhereResolves(_)
            | Step::ExistsAndIsNotFalse => {}
        }
    }
    found
}

/// Parses an expression; `None` if it goes beyond the subset.
pub(crate) fn parse(text: &'static str) -> Option<Vec<Path>> {
    if let Some((exists, differs)) = text.split_once(" and ") {
        let exists = exists.strip_suffix(".exists()")?;
        if differs.strip_suffix(" != false")? != exists {
            return None;
        }
        let mut path = parse_path(exists)?;
        path.steps.push(Step::ExistsAndIsNotFalse);
        return Some(vec![path]);
    }
    text.split('|')
        .map(|part| parse_path(part.trim()))
        .collect()
}

/// The type that a path starts from and its elements so far, as the definitions write it.
struct Cursor {
    path: Path,
}

fn parse_path(text: &'static str) -> Option<Path> {
    let mut cursor;
    let mut rest;
    if let Some(inner) = text.strip_prefix('(') {
        let (inner, after) = inner.split_once(')')?;
        let (dotted, choice) = match inner.split_once(" as ") {
            Some((dotted, choice)) => (dotted.trim(), Some(choice.trim())),
            None => (inner.trim(), None),
        };
        cursor = start(dotted)?;
        if let Some(choice) = choice {
            cursor.narrow(choice)?;
        }
        rest = after;
    } else if let Some((dotted, choice)) = text.split_once(" as ") {
        cursor = start(dotted.trim())?;
        cursor.narrow(choice.trim())?;
        rest = "";
    } else {
        let end = text.find(['(', '[']).unwrap_or(text.len());
        let dotted = match text.get(end..end + 1) {
            Some("(") => text.get(..end)?.rsplit_once('.')?.0,
            _ => text.get(..end)?,
        };
        cursor = start(dotted)?;
        rest = text.get(dotted.len()..)?;
    }
    while !rest.is_empty() {
        rest = cursor.step(rest)?;
    }
    Some(cursor.path)
}

fn start(dotted: &'static str) -> Option<Cursor> {
    let mut names = dotted.split('.').peekable();
    let first = *names.peek()?;
    // InsurancePlan's `name | alias` starts at the resource without naming its type.
    let root = if first.starts_with(|c: char| c.is_ascii_uppercase()) && is_name(first) {
        names.next()?
    } else {
        "Resource"
    };
    let mut cursor = Cursor {
        path: Path {
            root,
            steps: Vec::new(),
            element: root.to_owned(),
        },
    };
    for name in names {
        cursor.field(name)?;
    }
    Some(cursor)
}

impl Cursor {
    fn field(&mut self, name: &'static str) -> Option<()> {
        if !is_name(name) {
            return None;
        }
        self.path.element.push('.');
        self.path.element.push_str(name);
        self.path
            .steps
            .push(match choice_types(&self.path.element) {
                Some(types) => Step::OneOf(types.map(|choice| choice_key(name, choice)).collect()),
                None => Step::Field(name),
            });
        Some(())
    }

    /// `as T` after a choice element leaves one member. After an element that is defined
    /// elsewhere (a data type's own choice) it names the member all the same.
    fn narrow(&mut self, choice: &'static str) -> Option<()> {
        let name = self.path.element.rsplit('.').next()?;
        let key = choice_key(name, choice);
        is_name(choice).then_some(())?;
        match self.path.steps.last_mut()? {
            Step::OneOf(keys) => {
                keys.retain(|known| *known == key);
                (!keys.is_empty()).then_some(())
            }
            last @ Step::Field(_) => {
                *last = Step::OneOf(vec![key]);
                Some(())
            }
            _ => None,
        }
    }

    /// Takes one step off the front of `rest` and returns what follows it.
    fn step(&mut self, rest: &'static str) -> Option<&'static str> {
        if let Some(rest) = rest.strip_prefix('[') {
            let (index, rest) = rest.split_once(']')?;
            self.path.steps.push(Step::Index(index.parse().ok()?));
            return Some(rest);
        }
        let rest = rest.strip_prefix('.')?;
        if let Some(rest) = rest.strip_prefix("where(resolve() is ") {
            let (name, rest) = rest.split_once(')')?;
            is_name(name).then_some(())?;
            self.path.steps.push(Step::WhereResolves(name));
            return Some(rest);
        }
        if let Some(rest) = rest.strip_prefix("where(") {
            let (name, rest) = rest.split_once("='")?;
            let (literal, rest) = rest.split_once("')")?;
            is_name(name).then_some(())?;
            self.path.steps.push(Step::WhereEquals(name, literal));
            return Some(rest);
        }
        if let Some(rest) = rest.strip_prefix("as(") {
            let (choice, rest) = rest.split_once(')')?;
            self.narrow(choice)?;
            return Some(rest);
        }
        let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
        self.field(rest.get(..end)?)?;
        rest.get(end..)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn choice_types(element: &str) -> Option<impl Iterator<Item = &'static str>> {
    CHOICES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(path, _)| *path == element)
        .map(|(_, types)| types.split(','))
}

/// `value` and `dateTime` make `valueDateTime`.
fn choice_key(name: &str, choice: &str) -> String {
    let mut key = name.to_owned();
    let mut letters = choice.chars();
    key.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    key.push_str(letters.as_str());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &'static str) -> Vec<Step> {
        parse(text).unwrap().remove(0).steps
    }

    #[test]
    fn a_choice_is_the_member_its_type_names() {
        let key = |key: &str| Step::OneOf(vec![key.into()]);
        assert_eq!(
            steps("(Observation.value as Quantity)"),
            [key("valueQuantity")]
        );
        assert_eq!(
            steps("Condition.onset.as(dateTime)"),
            [key("onsetDateTime")]
        );
        assert_eq!(
            steps("(Observation.value as CodeableConcept).text"),
            [key("valueCodeableConcept"), Step::Field("text")]
        );
        assert_eq!(
            steps("(ActivityDefinition.useContext.value as Quantity)"),
            [Step::Field("useContext"), key("valueQuantity")]
        );
        assert_eq!(
            steps("Patient.deceased"),
            [Step::OneOf(vec![
                "deceasedBoolean".into(),
                "deceasedDateTime".into()
            ])]
        );
    }

    #[test]
    fn filters_and_indexes_are_steps() {
        assert_eq!(
            steps("Patient.telecom.where(system='email')"),
            [Step::Field("telecom"), Step::WhereEquals("system", "email")]
        );
        assert_eq!(
            steps("Bundle.entry[0].resource"),
            [
                Step::Field("entry"),
                Step::Index(0),
                Step::Field("resource")
            ]
        );
        assert_eq!(
            steps("Encounter.subject.where(resolve() is Patient)"),
            [Step::Field("subject"), Step::WhereResolves("Patient")]
        );
        assert_eq!(
            steps("Patient.deceased.exists() and Patient.deceased != false").last(),
            Some(&Step::ExistsAndIsNotFalse)
        );
    }

    #[test]
    fn what_lies_beyond_the_subset_is_refused() {
        for text in [
            "",
            "Patient.name.first()",
            "Patient..name",
            "Patient.name[x]",
            "Patient.a.exists() and Patient.b != false",
            "(Observation.value as Practitioner)",
            "Patient.name.where(use!='old')",
            "Patient.name + 1",
            "Patient.name | ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_expression_of_r4_is_inside_the_subset() {
        let mut parsed = 0;
        let mut without = Vec::new();
        for line in crate::parameter::TABLE_TEXT.lines() {
            let fields: Vec<&'static str> = line.split('\t').collect();
            if fields[3].is_empty() {
                without.push(fields[1]);
                continue;
            }
            let paths = parse(fields[3]).unwrap_or_else(|| panic!("{}", fields[3]));
            for base in fields[0].split(',') {
                let covered = paths
                    .iter()
                    .any(|path| [base, "Resource", "DomainResource"].contains(&path.root));
                assert!(covered, "{base} is not a root of {}", fields[3]);
            }
            parsed += 1;
        }
        without.sort_unstable();
        assert_eq!(without, ["_content", "_query", "_text"]);
        assert_eq!(parsed, 1382);
    }
}
