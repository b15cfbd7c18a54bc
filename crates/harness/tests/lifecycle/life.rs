//! A whole life of a Deployment, from the first apply to its end, and what is seen of it on the way.

use std::collections::BTreeMap;

use crate::gitops::{Round, Tool};
use crate::webhook::{Cost, Denied};
use crate::world::{Image, Mode, World};

/// What was seen, by step: a cell of the step's table each.
pub(crate) type Seen = BTreeMap<&'static str, Vec<String>>;

/// Lives it under `mode`, with `tool` keeping the cluster equal to git.
pub(crate) fn live(mode: Mode, tool: Tool) -> Seen {
    let mut seen = Seen::new();
    let mut world = World::new(mode);

    let (created, _) = world.round(tool);
    assert_eq!(created, Round::Applied, "{mode:?}: what is signed is admitted");
    let children = { world.api.webhook.forget(); world.scale_up(); world.api.webhook.take_cost() };
    let rounds = rounds(&mut world, tool, 3);
    seen.insert("unchanged", vec![
        world.live_image(),
        rounds.words(tool),
        rounds.costs(),
        cost(children),
    ]);

    world.registry_fails();
    let round = rounds_of(&mut world, tool, 1);
    let scaled = world.scale_up();
    seen.insert("registry-down", vec![round, after(&world, &scaled)]);
    world.registry_heals();
    world.settle();

    world.tag_moves(Image::B);
    let round = rounds_of(&mut world, tool, 3);
    let runs = world.runs();
    let scaled = world.scale_up();
    seen.insert("tag-signed", vec![round, runs, after(&world, &scaled)]);

    let undone = match world.undo() {
        None => "nothing to undo".to_owned(),
        Some(Ok(())) => format!("runs {}", world.runs()),
        Some(Err(denied)) => denied_at(&denied),
    };
    let round = rounds_of(&mut world, tool, 2);
    seen.insert("undo", vec![undone, round, world.runs()]);

    world.git_names("2", Image::C);
    let there = rounds_of(&mut world, tool, 2);
    let runs = world.runs();
    world.git_names("1", Image::B);
    let back = rounds_of(&mut world, tool, 2);
    seen.insert("git", vec![there, runs, back, world.runs()]);

    world.tag_moves(Image::X);
    let step = trouble(&mut world, tool);
    seen.insert("tag-unsigned", step);
    world.tag_moves(Image::B);
    world.settle();
    rounds_of(&mut world, tool, 2);

    world.trusts("bob");
    let step = trouble(&mut world, tool);
    seen.insert("key", step);
    world.trusts("alice");
    world.settle();
    rounds_of(&mut world, tool, 2);

    world.tag_moves(Image::X);
    let [changed, freed] = world.delete_with_finalizer("unsigned");
    let freed_cost = world.api.webhook.take_cost();
    let words = |result: Result<(), Denied>| result.map_or_else(|denied| denied_at(&denied), |()| "passes".to_owned());
    seen.insert("end", vec![words(changed), words(freed), cost(freed_cost)]);
    seen
}

/// What happens while what runs could not be proven again.
fn trouble(world: &mut World, tool: Tool) -> Vec<String> {
    let round = rounds_of(world, tool, 2);
    let scaled = world.scale_up();
    let scaled = after(world, &scaled);
    let lost = world.lose_a_pod();
    let lost = after(world, &lost);
    world.git_sets("debug");
    let changed = rounds_of(world, tool, 2);
    world.git_sets("info");
    vec![round, scaled, lost, changed, world.runs()]
}

/// Some rounds on end.
struct Rounds {
    rounds: Vec<(Round, Cost)>,
    rollouts: usize,
}

fn rounds(world: &mut World, tool: Tool, number: usize) -> Rounds {
    world.api.webhook.forget();
    let before = world.controllers.rollouts;
    let rounds = (0..number).map(|_| world.round(tool)).collect();
    Rounds { rounds, rollouts: world.controllers.rollouts - before }
}

fn rounds_of(world: &mut World, tool: Tool, number: usize) -> String {
    rounds(world, tool, number).words(tool)
}

impl Rounds {
    /// What came out, each change of it once.
    fn words(&self, tool: Tool) -> String {
        let mut words: Vec<String> = self.rounds.iter().map(|(round, _)| tool.words(round)).collect();
        words.dedup();
        let rollouts = match self.rollouts {
            0 => String::new(),
            1 => " (1 rollout)".to_owned(),
            more => format!(" ({more} rollouts)"),
        };
        words.join(", then ") + &rollouts
    }

    /// What a round costs while the host remembers nothing, and what the next one costs.
    fn costs(&self) -> String {
        let [(_, cold), (_, warm), ..] = self.rounds.as_slice() else { panic!("two rounds at least") };
        assert_eq!(cold.calls, warm.calls, "the host's memory changes no question");
        format!("{}; {} / {}", cold.calls, cold.requests, warm.requests)
    }
}

fn cost(cost: Cost) -> String {
    format!("{}; {}", cost.calls, cost.requests)
}

/// What runs, or who was denied.
fn after(world: &World, denied: &[Denied]) -> String {
    let mut words: Vec<String> = denied.iter().map(denied_at).collect();
    words.dedup();
    words.push(format!("runs {}", world.runs()));
    words.join("; ")
}

fn denied_at(denied: &Denied) -> String {
    format!("{} denied, {}", denied.kind, denied.code)
}

/// What becomes of a Deployment that is older than the policy: its template has a tag and no digest.
pub(crate) fn older_than_the_policy(mode: Mode) -> Vec<String> {
    let mut world = World::new(mode);
    world.trusts_everything();
    world.round(Tool::Flux);
    world.trusts("alice");
    let scaled = world.scale_up();
    let scaled = after(&world, &scaled);
    let lost = world.lose_a_pod();
    let lost = after(&world, &lost);
    world.patch("debug").expect("it is signed");
    for _ in 0..5 {
        world.settle();
    }
    vec![scaled, lost, world.live_image(), world.replica_sets().to_string(), world.runs()]
}
