//! What SQL would destroy in the database that it points at: counted there, read-only.

mod cascade;
mod catalog;
mod column;
mod depends;
mod drop;
mod drop_database;
mod gone;
mod look;
mod rows;
mod seeds;
mod told;
mod truncate;

use self::depends::Before;
use self::seeds::Seeds;
use super::backup::SqlWish;
use crate::ask::{Database, Trouble};
use guard_core::context::Context;
use guard_core::invocation::{Invocation, JudgedStatement};
use guard_core::loss::{Loss, Phrase};
use guard_core::preview::{Budget, Preview};
use guard_sql::actions::{Action, Verb, actions};
use guard_sql::{Changes, StatementKind};

/// More destroying statements than this are not measured one by one.
const MOST: usize = 50;

/// Measures everything that the invocation's SQL would destroy.
pub fn measure(invocation: &Invocation, context: &Context, budget: &Budget) -> Preview {
    let mut all = Measuring {
        invocation,
        context,
        budget,
        server: None,
        before: Before::default(),
        found: Preview::Exact(Loss::default()),
        verbs: Vec::new(),
        targets: Vec::new(),
        measured: 0,
    };
    let nothing = Vec::new();
    let changes = invocation.own::<Vec<Changes>>().unwrap_or(&nothing);
    for (at, statement) in invocation.statements.iter().enumerate() {
        all.statement(statement, changes.get(at).unwrap_or(&Changes::Everything));
    }
    all.finish()
}

/// The server, once it has answered.
struct Server<'a> {
    database: Database<'a>,
    name: String,
    facts: String,
}

struct Measuring<'a> {
    invocation: &'a Invocation,
    context: &'a Context,
    budget: &'a Budget,
    server: Option<Result<Server<'a>, String>>,
    before: Before,
    found: Preview,
    verbs: Vec<&'static str>,
    targets: Vec<String>,
    measured: usize,
}

impl<'a> Measuring<'a> {
    fn statement(&mut self, statement: &JudgedStatement, changes: &Changes) {
        let kind = StatementKind::from_name(statement.kind).unwrap_or(StatementKind::Unknown);
        if kind > StatementKind::Write && !statement.rolled_back {
            let one = self
                .doubted(kind, statement)
                .and_then(|()| self.one(kind, statement))
                .unwrap_or_else(|why| {
                    Preview::Unknown(format!("{}{why}", place(statement)), Loss::default())
                });
            let found = std::mem::replace(&mut self.found, Preview::Skipped);
            self.found = found.and(one);
        }
        if *changes != Changes::Nothing && !statement.rolled_back {
            self.before.add(statement, changes);
        }
    }

    /// Of a statement that is known to destroy, and of which something is unknown as well: why.
    fn doubted(&self, kind: StatementKind, statement: &JudgedStatement) -> Result<(), String> {
        let mut others = self.invocation.statements.iter();
        let beside = others.find(|other| {
            other.kind == StatementKind::Unknown.name()
                && (&other.from, other.line, &other.text)
                    == (&statement.from, statement.line, &statement.text)
        });
        match beside {
            Some(beside) if kind != StatementKind::Unknown => {
                Err(beside.why.unwrap_or("part of it is unknown").to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The loss of one statement.
    fn one(&mut self, kind: StatementKind, statement: &JudgedStatement) -> Result<Preview, String> {
        if let Some(why) = unmeasurable(kind, statement) {
            return Err(why);
        }
        let text = statement
            .sql
            .as_deref()
            .ok_or("guard cannot tell from its text what it takes")?;
        let actions = actions(text)?;
        if let Some(line) = self.before.everything() {
            return Err(format!("it depends on what line {line} before it does"));
        }
        self.measured += 1;
        if self.measured > MOST {
            return Err("there are more such statements than guard measures".to_owned());
        }
        if let Some(progress) = &self.budget.progress {
            progress.show(&format!("line {}", statement.line));
        }
        for action in &actions {
            self.name(action);
        }
        let before = std::mem::take(&mut self.before);
        let measured = self.server().and_then(|server| {
            let mut found = Preview::Exact(Loss::default());
            for action in &actions {
                let mut one = of_action(action, &server.database, &before, statement)
                    .map_err(Trouble::why)?;
                name_unsaved(action, &mut one);
                found = found.and(one);
            }
            Ok(found)
        });
        self.before = before;
        measured
    }

    fn name(&mut self, action: &Action) {
        let (verb, target) = match action {
            Action::Rows(rows) => match rows.verb {
                Verb::Delete => ("delete", rows.table.name.clone()),
                Verb::Update => ("overwrite", rows.table.name.clone()),
            },
            Action::Truncate { tables, .. } => {
                let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
                ("empty", names.join(" "))
            }
            Action::Drop { names, .. } => ("drop", names.join(" ")),
            Action::Database(name) => ("drop", name.clone()),
            Action::Owned { roles, .. } => ("drop", roles.join(" ")),
            Action::Column { table, column, .. } | Action::ColumnType { table, column } => {
                ("alter", format!("{}.{column}", table.name))
            }
        };
        self.verbs.push(verb);
        self.targets.push(target);
    }

    /// The server, asked once who and where it is.
    fn server(&mut self) -> Result<&Server<'a>, String> {
        let (invocation, context, budget) = (self.invocation, self.context, self.budget);
        self.server
            .get_or_insert_with(|| connect(invocation, context, budget))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Adds what a reader should know and what a person types.
    fn finish(self) -> Preview {
        let mut found = self.found;
        let doubt = match &found {
            Preview::Unknown(why, _) => Some(why.clone()),
            _ => None,
        };
        let (Preview::Exact(loss) | Preview::Estimate(loss) | Preview::Unknown(_, loss)) =
            &mut found
        else {
            return found;
        };
        let mut database = String::new();
        gather(loss, self.invocation, doubt);
        if let Some(Ok(server)) = &self.server {
            loss.fact(server.facts.clone());
            database = format!(" in {}", server.name);
        }
        let one = |list: &[String]| list.windows(2).all(|pair| pair.first() == pair.last());
        let verbs: Vec<String> = self.verbs.iter().map(|verb| (*verb).to_owned()).collect();
        let verb = match self.verbs.first() {
            Some(verb) if one(&verbs) => verb,
            _ => "destroy",
        };
        let target = match self.targets.first() {
            Some(target) if one(&self.targets) => {
                format!(
                    "of {}",
                    guard_ground::sanitize::cut(&guard_ground::sanitize::text(target), 60)
                )
            }
            _ => String::new(),
        };
        loss.phrase = Phrase {
            verb,
            place: format!("{target}{}", guard_ground::sanitize::text(&database)),
        };
        found
    }
}

/// Puts what has to be saved together: it is seen in one transaction. What is known not to be saved is
/// named.
fn gather(loss: &mut Loss, invocation: &Invocation, doubt: Option<String>) {
    let mut wish = SqlWish::default();
    for one in loss.saves.take::<SqlWish>() {
        wish.merge(one);
    }
    wish.unsaved.extend(doubt);
    if wish.is_empty() {
        return;
    }
    wish.scope.clone_from(&invocation.scope);
    let operands = invocation.operands.iter();
    wish.operands = operands.map(|word| word.text.clone()).collect();
    loss.saves.push(wish);
}

/// `line 12 of migrate.sql: `, for the statements of files; nothing for an argument's only line.
fn place(statement: &JudgedStatement) -> String {
    match (statement.from.as_str(), statement.line) {
        ("", 1) => String::new(),
        ("", line) => format!("line {line}: "),
        (from, line) => format!("line {line} of {from}: "),
    }
}

/// What guard cannot measure whatever the database holds.
fn unmeasurable(kind: StatementKind, statement: &JudgedStatement) -> Option<String> {
    let why = match kind {
        StatementKind::Unknown | StatementKind::Include => {
            return Some(
                statement
                    .why
                    .map_or_else(|| statement.text.clone(), str::to_owned),
            );
        }
        StatementKind::CopyToFile => "it overwrites a file",
        StatementKind::VacuumFull => "VACUUM FULL locks the table while it writes it anew",
        StatementKind::Terminate => "it ends other sessions and what they were doing",
        StatementKind::GrantPublic => "it opens something to everybody",
        StatementKind::Revoke => "it takes rights away, and guard does not know who needs them",
        StatementKind::Reassign => "it changes who owns things",
        StatementKind::Upsert => "which rows it overwrites depends on what it inserts",
        StatementKind::LargeObject => "guard does not measure large objects",
        StatementKind::AlterSystem => "it changes the server's configuration",
        StatementKind::CopyFromProgram | StatementKind::CopyToProgram => {
            "the server runs another program"
        }
        StatementKind::Shell => "psql runs another program",
        StatementKind::Read
        | StatementKind::Write
        | StatementKind::Update
        | StatementKind::Merge
        | StatementKind::Delete
        | StatementKind::UpdateAll
        | StatementKind::DeleteAll
        | StatementKind::AlterColumnType
        | StatementKind::AlterDropColumn
        | StatementKind::Truncate
        | StatementKind::Drop
        | StatementKind::DropTable
        | StatementKind::DropOwned
        | StatementKind::DropSchema
        | StatementKind::DropDatabase => return None,
    };
    Some(why.to_owned())
}

fn connect<'a>(
    invocation: &Invocation,
    context: &'a Context,
    budget: &Budget,
) -> Result<Server<'a>, String> {
    let database = Database::of(invocation, context, budget)?;
    let answer = database.ask(FACTS).map_err(Trouble::why)?;
    let text = |key: &str| {
        answer
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or("?")
    };
    if text("strings") != "on" {
        return Err(
            "standard_conforming_strings is off there, so guard cannot be sure where its \
                    strings end"
                .to_owned(),
        );
    }
    if answer.get("operators").and_then(serde_json::Value::as_u64) != Some(0) {
        return Err("operators are defined there that may change something".to_owned());
    }
    let standby = answer.get("standby").and_then(serde_json::Value::as_bool);
    let facts = format!(
        "database {} as {}, on {} ({})",
        text("database"),
        text("role"),
        text("server"),
        if standby == Some(true) {
            "a standby, which refuses changes"
        } else {
            "a primary"
        }
    );
    Ok(Server {
        name: text("database").to_owned(),
        facts: guard_ground::sanitize::text(&facts),
        database,
    })
}

/// Who and where the server is, and whether guard may rely on it.
const FACTS: &str = "SELECT json_build_object(
    'database', current_database(),
    'role', current_user,
    'server', coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'a local socket'),
    'standby', pg_is_in_recovery(),
    'strings', current_setting('standard_conforming_strings'),
    'operators', (SELECT count(*) FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
                  WHERE o.oid >= 16384 AND p.provolatile = 'v'))";

/// Says of what guard does not save that it is not.
fn name_unsaved(action: &Action, found: &mut Preview) {
    let (Preview::Exact(loss) | Preview::Estimate(loss) | Preview::Unknown(_, loss)) = found else {
        return;
    };
    let what = match action {
        _ if loss.is_none() => return,
        Action::Rows(rows) if loss.saves.is_empty() => {
            format!(
                "the rows of {}, which were not counted one by one",
                rows.table.name
            )
        }
        Action::Rows(_) | Action::Truncate { .. } | Action::Drop { .. } => return,
        Action::Column { table, column, .. } | Action::ColumnType { table, column } => {
            format!("the column {column} of {}", table.name)
        }
        Action::Database(name) => format!("the database {name}"),
        Action::Owned { roles, .. } => format!("the rights of {}", roles.join(", ")),
    };
    loss.saves.push(SqlWish {
        unsaved: vec![guard_ground::sanitize::text(&what)],
        ..SqlWish::default()
    });
}

fn of_action(
    action: &Action,
    database: &Database<'_>,
    before: &Before,
    statement: &JudgedStatement,
) -> Result<Preview, Trouble> {
    let here = place(statement);
    let here = here.trim_end_matches([':', ' ']);
    match action {
        Action::Rows(taken) => rows::measure(taken, database, before, here),
        Action::Truncate { tables, cascade } => {
            truncate::truncate(tables, *cascade, database, before, here)
        }
        Action::Drop {
            sort,
            names,
            cascade,
        } => {
            let seeds = Seeds::named(sort, names);
            drop::drop(&seeds, *cascade, database, before, here)
        }
        Action::Owned { roles, cascade } => drop::owned(roles, *cascade, database, before, here),
        Action::Database(name) => drop_database::database(name, database, here),
        Action::Column {
            table,
            column,
            cascade,
        } => column::drop(table, column, *cascade, database, before, here),
        Action::ColumnType { table, column } => {
            column::retype(table, column, database, before, here)
        }
    }
}
