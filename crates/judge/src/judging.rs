//! The middle of the way: rules, environment, preview, verdict.

use guard_core::loss;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::matching::{Candidate, Facts, matching, names};
use crate::rules::Rules;
use guard_core::agent::{self, Agent, Ancestor};
use guard_core::context::{Consult, Context};
use guard_core::environment::{self, Environment};
use guard_core::invocation::Invocation;
use guard_core::place::Placed;
use guard_core::preview::{Budget, Preview};
use guard_core::rule::{Rule, RuleRef};
use guard_core::tool::{Scene, Toolbox};
use guard_core::verdict::Verdict;
use guard_core::world::World;
use guard_ground::glob;
use guard_ground::install::Places;
use guard_ground::progress::Progress;
use guard_words::Effect;

/// Judges the invocations of one command. What is looked up once (the agent above, the workspace)
/// is kept for the nested ones.
pub struct Judge<'a> {
    tools: &'a Toolbox,
    rules: &'a Rules,
    places: &'a Places,
    context: &'a Context,
    measures: bool,
    unmeasured: Option<&'static str>,
    progress: &'a dyn Fn() -> Option<Progress>,
    ancestors: OnceCell<Vec<Ancestor>>,
    agent: OnceCell<Option<Agent>>,
    world: OnceCell<World>,
}

/// What the rules may ask about one invocation, computed when they do.
struct Looked<'a> {
    judge: &'a Judge<'a>,
    invocation: &'a Invocation,
    context: &'a Context,
    places: OnceCell<Vec<Placed>>,
    environment: OnceCell<Option<Environment>>,
}

impl Facts for Looked<'_> {
    fn places(&self) -> &[Placed] {
        self.places.get_or_init(|| {
            let world = || self.judge.world();
            self.judge
                .tools
                .places(self.invocation, world, self.context)
        })
    }

    fn environment(&self) -> Option<&Environment> {
        self.environment
            .get_or_init(|| {
                let signals = self.judge.tools.signals(self.invocation, self.context);
                environment::of(&signals, &self.judge.rules.environments)
            })
            .as_ref()
    }

    fn reads_tags(&self) -> bool {
        self.judge.measures && self.context.consult == Consult::Tools && self.has_tags()
    }

    fn has_tags(&self) -> bool {
        self.judge
            .tools
            .of(&self.invocation.tool)
            .has_tags(self.invocation)
    }
}

impl Looked<'_> {
    /// The environment, which may be known only by the tags of what would be lost.
    fn environment_with(&self, preview: &Preview) -> Option<Environment> {
        self.environment().cloned().or_else(|| {
            let tags = preview.loss()?.tags.as_ref()?;
            environment::of_tags(tags, &self.judge.rules.environments)
        })
    }

    /// Whether what only the preview can tell is as the rule says. What could not be measured is
    /// never small, and tags that could not be read may be any.
    fn holds(&self, rule: &Rule, preview: &Preview) -> bool {
        let environment = rule.environment.is_empty()
            || self
                .environment_with(preview)
                .is_some_and(|found| names(rule, &found));
        let read = preview.loss().map(|loss| loss.tags.as_ref());
        let tagged = rule.tag.is_empty()
            || read.is_some_and(|read| {
                // What is not there carries none.
                read.map_or(!preview.is_harmless(), |tags| {
                    rule.tag.iter().any(|(name, pattern)| {
                        tags.iter().any(|(key, value)| {
                            key.eq_ignore_ascii_case(name)
                                && glob::matches(pattern, value.as_bytes())
                        })
                    })
                })
            });
        environment && tagged && (rule.loss.is_empty() || exceeds(rule, preview))
    }
}

impl Looked<'_> {
    /// Whether the user's limits let the rule pass a loss of this size.
    fn allows(&self, rule: &Rule, preview: &Preview) -> bool {
        let Preview::Exact(loss) = preview else {
            return false;
        };
        rule.effect.asks()
            && self.judge.rules.allowances.iter().any(|allowance| {
                allowance.rule == rule.id && {
                    let found = self.environment_with(preview);
                    allowance.covers(loss, found.as_ref().map(|one| one.name.as_str()))
                }
            })
    }
}

impl Looked<'_> {
    /// Why a loss is not simply saved first: it is not known exactly, not the workspace's own, or too
    /// much.
    fn obstacle(&self, preview: &Preview) -> Option<String> {
        let loss = match preview {
            Preview::Exact(loss) => loss,
            Preview::Skipped => return Some("it was not measured".to_owned()),
            _ => return Some("it is not known exactly".to_owned()),
        };
        if let Some(environment) = self.environment_with(preview) {
            return Some(format!("it is in {}", environment.name));
        }
        let world = self.judge.world();
        if self
            .judge
            .tools
            .reaches_outside(self.invocation, self.places(), world, self.context)
        {
            return Some("it lies outside the workspace".to_owned());
        }
        loss::obstacle(loss, &self.judge.rules.backup)
    }
}

impl<'a> Judge<'a> {
    /// A judge that measures losses; `progress` is asked for a terminal when it starts to.
    pub fn new(
        tools: &'a Toolbox,
        rules: &'a Rules,
        places: &'a Places,
        context: &'a Context,
        progress: &'a dyn Fn() -> Option<Progress>,
    ) -> Self {
        Self {
            tools,
            rules,
            places,
            context,
            measures: true,
            unmeasured: None,
            progress,
            ancestors: OnceCell::new(),
            agent: OnceCell::new(),
            world: OnceCell::new(),
        }
    }

    /// The same without measuring: rules that wait for a measured loss do not count.
    #[must_use]
    pub fn without_preview(mut self) -> Self {
        self.measures = false;
        self
    }

    /// The same where measuring is not safe: every loss is unknown, because of this.
    #[must_use]
    pub fn unmeasured(mut self, why: &'static str) -> Self {
        self.unmeasured = Some(why);
        self
    }

    /// The same for a command that an agent ran before, in the directory where that agent works.
    #[must_use]
    pub fn for_agent(mut self, agent: Option<Agent>) -> Self {
        self.agent = OnceCell::from(agent);
        self
    }

    /// The processes above this one.
    pub fn ancestors(&self) -> &[Ancestor] {
        self.ancestors.get_or_init(agent::ancestors)
    }

    /// The agent above this process.
    pub fn agent(&self) -> Option<&Agent> {
        self.agent
            .get_or_init(|| agent::find(self.ancestors()))
            .as_ref()
    }

    /// Workspace, homes, mounts.
    pub fn world(&self) -> &World {
        self.world.get_or_init(|| {
            // For many commands in other directories the agent above says nothing.
            let agent = (self.context.consult == Consult::Tools)
                .then(|| self.agent())
                .flatten();
            World::real(self.context, agent, &self.rules.places, self.places)
        })
    }

    /// Judges an invocation and everything nested in it.
    pub fn judge(&self, invocation: &Invocation) -> Verdict {
        self.judge_in(invocation, self.context)
    }

    /// As [`Judge::judge`], for a command that runs in another directory or with other variables;
    /// the workspace stays that of the judge's own context.
    pub fn judge_in(&self, invocation: &Invocation, context: &Context) -> Verdict {
        let mut verdict = self.judge_alone(invocation, context);
        for nested in &invocation.nested {
            let inner = if nested.elsewhere {
                context.elsewhere()
            } else {
                context.in_directory(nested.directory.as_deref())
            };
            let mut one = self.judge_in(&nested.invocation, &inner);
            if !one.rules.is_empty() {
                one.notes.push(format!(
                    "{} runs: {}",
                    guard_ground::sanitize::text(&nested.via),
                    inner_command(&nested.invocation)
                ));
            }
            verdict = verdict.and(one);
        }
        verdict
    }

    fn judge_alone(&self, invocation: &Invocation, context: &Context) -> Verdict {
        let facts = Looked {
            judge: self,
            invocation,
            context,
            places: OnceCell::new(),
            environment: OnceCell::new(),
        };
        let family = self.tools.family(&invocation.tool);
        let candidates = matching(self.rules, family, invocation, &facts);
        if candidates.is_empty() {
            return Verdict::harmless();
        }
        let denied = candidates
            .iter()
            .any(|candidate| candidate.rule.effect == Effect::Deny && !candidate.waits_for_loss);
        let asks = candidates
            .iter()
            .any(|candidate| candidate.rule.effect >= Effect::Backup);
        let tool = self.tools.of(&invocation.tool);
        let preview = if let Some(why) = self.unmeasured {
            Preview::Unknown(why.to_owned(), guard_core::loss::Loss::default())
        } else if asks && !denied && self.measures {
            let budget = Budget {
                deadline: Instant::now()
                    + Duration::from_secs_f64(tool.patience(&self.rules.limits)),
                progress: (self.progress)(),
                infrastructure: self.rules.infrastructure.clone(),
            };
            {
                let scene = Scene {
                    places: facts.places(),
                    world: self.world(),
                    context,
                    budget: &budget,
                };
                tool.measure(invocation, &scene)
            }
        } else {
            Preview::Skipped
        };
        // Where nothing can be asked, a rule that needs a measured loss says nothing.
        let measurable = context.consult > Consult::Nothing;
        Self::decide(&candidates, measurable, preview, facts)
    }

    fn decide(
        candidates: &[Candidate],
        measurable: bool,
        preview: Preview,
        facts: Looked<'_>,
    ) -> Verdict {
        let mut rules: Vec<RuleRef> = candidates
            .iter()
            .filter(|candidate| {
                !candidate.waits_for_loss || (measurable && facts.holds(&candidate.rule, &preview))
            })
            .map(|candidate| candidate.rule.clone())
            .collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.effect));
        let mut notes = Vec::new();
        let within: Vec<String> = rules
            .iter()
            .filter(|rule| facts.allows(rule, &preview))
            .map(|rule| rule.id.to_string())
            .collect();
        let asked = rules
            .iter()
            .find(|rule| !within.iter().any(|id| *id == rule.id))
            .map_or(Effect::Allow, |rule| rule.effect);
        if !within.is_empty() && !preview.is_harmless() {
            notes.push(format!("within the limit for {}", within.join(", ")));
        }
        let always = rules.iter().any(|rule| rule.always && rule.effect == asked);
        if rules.is_empty() {
            return Verdict::harmless();
        }
        let effect = if asked.asks() && preview.is_harmless() && !always {
            notes.push("nothing would be lost".to_owned());
            Effect::Allow
        } else if asked == Effect::Backup && facts.judge.rules.backup.is_off() {
            Effect::Confirm
        } else if asked == Effect::Backup
            && let Some(why) = facts.obstacle(&preview)
        {
            notes.push(format!("not saved first: {why}"));
            Effect::Confirm
        } else {
            asked
        };
        let environment = facts.environment_with(&preview);
        Verdict {
            effect,
            rules,
            places: facts.places.into_inner().unwrap_or_default(),
            environment,
            preview,
            notes,
        }
    }
}

/// An inner command, for messages.
fn inner_command(invocation: &Invocation) -> String {
    let mut words: Vec<OsString> = vec![invocation.tool.as_str().into()];
    let verb = invocation.verb.iter().take(1);
    words.extend(verb.map(|word| OsString::from(word.as_ref())));
    words.extend(invocation.arguments.iter().cloned());
    guard_ground::sanitize::command(&words, 120)
}

/// Whether a loss is larger than the rule allows. What could not be measured is never small.
fn exceeds(rule: &Rule, preview: &Preview) -> bool {
    match preview {
        Preview::Skipped => false,
        Preview::Unknown(..) | Preview::Estimate(_) => true,
        Preview::Exact(loss) => rule
            .loss
            .iter()
            .any(|(measure, limit)| loss.level(measure) > *limit),
    }
}
