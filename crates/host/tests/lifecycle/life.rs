//! A whole life of a Deployment, from the first apply to its end, and what is seen of it on the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::api_server::Run;
use crate::controllers::run;
use crate::gitops::{Round, Tool};
use crate::webhook::{Cost, Denied};
use crate::world::{Image, Mode, World};

/// What was seen, by step: the cells that stand in its table under this tool.
pub(crate) type Seen = BTreeMap<&'static str, Vec<String>>;

/// Lives it under `mode`, with `tool` keeping the cluster equal to git. Every step begins where the one before it ended.
pub(crate) fn live(mode: Mode, tool: Tool) -> Seen {
    let mut seen = Seen::new();
    let mut world = World::new(mode);
    assert_eq!(world.round(tool).0, Round::Applied, "{mode:?}: what is signed is admitted");
    let image = world.live_image();

    let steady = rounds(&mut world, tool, 3);
    world.api.webhook.forget();
    world.api.webhook.take_cost();
    let pod = one_more(&mut world);
    let price = price(&world.api.webhook.take_cost());
    assert_eq!(pod, "A", "{mode:?}: what is signed is admitted");
    seen.insert("unchanged", vec![image, steady.words(tool), steady.prices(), price]);

    world.registry_fails();
    let round = rounds(&mut world, tool, 1).words(tool);
    let pod = one_more(&mut world);
    seen.insert("registry", vec![round, pod]);
    world.registry_heals();
    world.settle();

    world.tag_moves(Image::B);
    let round = rounds(&mut world, tool, 3).words(tool);
    let runs = world.runs();
    let pod = one_more(&mut world);
    seen.insert("signed", vec![round, runs, pod]);

    let undone = match world.undo() {
        None => "nothing to undo".to_owned(),
        Some(denied) => outcome(&denied, || world.runs()),
    };
    let round = rounds(&mut world, tool, 2).words(tool);
    seen.insert("undo", vec![undone, round, world.runs()]);

    world.git_names("2", Image::C);
    let there = rounds(&mut world, tool, 2).words(tool);
    let runs = world.runs();
    world.git_names("1", Image::B);
    let back = rounds(&mut world, tool, 2).words(tool);
    seen.insert("git", vec![there, runs, back, world.runs()]);

    world.tag_moves(Image::X);
    seen.insert("unsigned", trouble(&mut world, tool));
    world.tag_moves(Image::B);
    world.settle();
    rounds(&mut world, tool, 2);

    world.trusts("bob");
    seen.insert("key", trouble(&mut world, tool));
    world.trusts("alice");
    world.settle();
    rounds(&mut world, tool, 2);

    world.tag_moves(Image::X);
    let [changed, freed] = world.delete_with_finalizer("unsigned");
    let cost = world.api.webhook.take_cost();
    seen.insert("end", [changed, freed].map(|denied| outcome(&denied, || "passes".to_owned())).into());
    assert_eq!(cost, Cost::default(), "{mode:?}: a finalizer goes without a question");
    seen
}

/// The results while the image that runs can no longer be proven.
fn trouble(world: &mut World, tool: Tool) -> Vec<String> {
    let round = rounds(world, tool, 2).words(tool);
    world.git_sets("debug");
    let changed = rounds(world, tool, 2).words(tool);
    world.git_sets("info");
    rounds(world, tool, 2);
    let more = one_more(world);
    world.scale_by(-1);
    let lost = world.lose_a_pod();
    vec![round, changed, more, outcome(&lost, || world.youngest())]
}

/// What becomes of a Deployment that is older than the policy: its template has a tag and no digest.
pub(crate) fn older_than_the_policy(mode: Mode) -> Vec<String> {
    let mut world = World::new(mode);
    world.trusts_everything();
    world.round(Tool::Flux);
    world.api.backdate("Deployment", "web");
    world.trusts("alice");

    let more = one_more(&mut world);
    world.tag_moves(Image::X);
    let unsigned = one_more(&mut world);
    world.tag_moves(Image::A);
    world.settle();
    let changed = world.set_env("debug");
    assert_eq!(changed, [], "{mode:?}: it is signed");
    let few = world.replica_sets();
    for _ in 0..3 {
        world.settle();
    }
    let sets = match world.replica_sets() - few {
        0 => few.to_string(),
        _ => "one more each time the controller looks".to_owned(),
    };
    world.tag_moves(Image::X);
    let lost = world.lose_a_pod();
    vec![more, unsigned, sets, outcome(&lost, || world.youngest())]
}

/// The nights of a CronJob: what is live, what a run costs, and what runs as the tag moves.
pub(crate) fn nights(mode: Mode) -> Vec<String> {
    let mut world = World::new(mode);
    let cron_job = world.cron_job();
    let cron_job = world.api.apply("jane", &cron_job, Run::Real).expect("what is signed is admitted");
    let image = world.shown(&cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]);
    let mut night = |tag: Image| {
        world.tag_moves(tag);
        world.api.webhook.take_cost();
        let denied = run(&mut world.api, &cron_job).err();
        let runs = outcome(denied.as_slice(), || world.youngest());
        (runs, price(&world.api.webhook.take_cost()))
    };
    let [(first, price), (signed, _), (unsigned, _)] = [Image::A, Image::B, Image::X].map(&mut night);
    assert_eq!(first, "A", "{mode:?}: what is signed is admitted");
    vec![image, price, signed, unsigned]
}

/// Some rounds on end, the first of which finds a host that remembers nothing.
struct Rounds {
    rounds: Vec<(Round, Cost)>,
    rollouts: usize,
    /// The objects that the controllers could not create.
    denied: Vec<Denied>,
}

fn rounds(world: &mut World, tool: Tool, number: usize) -> Rounds {
    world.api.webhook.forget();
    let before = world.controllers.rollouts;
    let (mut rounds, mut all) = (Vec::new(), Vec::new());
    for _ in 0..number {
        let (round, cost, denied) = world.round(tool);
        rounds.push((round, cost));
        all.extend(denied);
    }
    Rounds { rounds, rollouts: world.controllers.rollouts - before, denied: all }
}

impl Rounds {
    /// The results of all rounds, without repetitions.
    fn words(&self, tool: Tool) -> String {
        let mut words: Vec<String> = self.rounds.iter().map(|(round, _)| tool.words(round)).collect();
        words.dedup();
        let rollouts = match self.rollouts {
            0 => None,
            1 => Some("1 rollout".to_owned()),
            more => Some(format!("{more} rollouts")),
        };
        let denied = (!self.denied.is_empty()).then(|| outcome(&self.denied, String::new));
        [Some(words.join(", then ")), rollouts, denied].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// What became of the image, host calls of a round; requests to the registry while the host remembers nothing, and in the next round.
    fn prices(&self) -> String {
        let [(_, cold), (_, warm), ..] = self.rounds.as_slice() else { panic!("two rounds at least") };
        assert_eq!((cold.calls, &cold.verdicts), (warm.calls, &warm.verdicts), "the host's memory changes no question");
        match cold.verdicts.is_empty() {
            true => "not asked".to_owned(),
            false => format!("{}, {}", price(cold), warm.requests),
        }
    }
}

fn price(cost: &Cost) -> String {
    let verdicts: Vec<&str> = cost.verdicts.iter().map(String::as_str).collect();
    format!("{}: {}; {}", verdicts.join(" and "), cost.calls, cost.requests)
}

/// Adds a Pod, and returns what it runs, or which object was denied.
fn one_more(world: &mut World) -> String {
    let denied = world.scale_by(1);
    outcome(&denied, || world.youngest())
}

/// The objects that were denied. If none was, the result of `or`.
fn outcome(denied: &[Denied], or: impl FnOnce() -> String) -> String {
    let words: BTreeSet<String> = denied.iter().map(Denied::to_string).collect();
    match words.is_empty() {
        true => or(),
        false => words.into_iter().collect::<Vec<_>>().join("; "),
    }
}
