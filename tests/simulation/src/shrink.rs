//! A run that breaks a rule, told again with less in it: visitors, troubles and orders are left out in halves, quarters and one by one, habits are
//! taken from visitors, edges and lobbies become one, as long as the same rule breaks. What is left is a story short enough to read.

use crate::plan::Plan;
use crate::workload::visitor::VisitorPlan;
use crate::{Options, Outcome, run};

/// Runs that a story is worth.
const RUNS_MAX: u32 = 1_500;

struct Shrinking {
    plan: Plan,
    outcome: Outcome,
    options: Options,
    runs: u32,
}

/// The shortest plan found that breaks the same rule, and its history.
pub fn shrink(plan: &Plan, options: &Options) -> Option<(Plan, Outcome)> {
    let options = Options { keeps_lines: true, ..*options };
    let outcome = run(plan, &options);
    outcome.violation.as_ref()?;
    let mut shrinking = Shrinking { plan: plan.clone(), outcome, options, runs: 0 };
    loop {
        let before = shrinking.size();
        shrinking.leave_out(|plan| &mut plan.troubles);
        shrinking.leave_out(|plan| &mut plan.visitors);
        shrinking.leave_out(|plan| &mut plan.orders);
        shrinking.leave_out(|plan| &mut plan.edge_skews);
        shrinking.simplify();
        if shrinking.size() == before || shrinking.runs > RUNS_MAX {
            return Some((shrinking.plan, shrinking.outcome));
        }
    }
}

impl Shrinking {
    fn size(&self) -> usize {
        let Plan { visitors, troubles, orders, edge_skews, leaves, .. } = &self.plan;
        visitors.len() + troubles.len() + orders.len() + edge_skews.len() + leaves + self.outcome.lines.len()
    }

    /// Takes a plan if it breaks the same rule.
    fn try_out(&mut self, plan: Plan) -> bool {
        if self.runs > RUNS_MAX || plan.edge_skews.is_empty() || plan.leaves == 0 {
            return false;
        }
        self.runs += 1;
        let outcome = run(&plan, &self.options);
        let rule = |outcome: &Outcome| outcome.violation.as_ref().map(|violation| violation.rule);
        let is_same = rule(&outcome) == rule(&self.outcome);
        if is_same {
            (self.plan, self.outcome) = (plan, outcome);
        }
        is_same
    }

    /// Leaves out as many of a list as can be.
    fn leave_out<T>(&mut self, list: impl Fn(&mut Plan) -> &mut Vec<T>) {
        let mut size = list(&mut self.plan).len();
        while size > 0 {
            let mut from = 0;
            while from < list(&mut self.plan).len() {
                let mut plan = self.plan.clone();
                let all = list(&mut plan);
                all.drain(from..(from + size).min(all.len()));
                if !self.try_out(plan) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// One lobby, and visitors without this habit or that.
    fn simplify(&mut self) {
        if self.plan.leaves > 1 {
            self.try_out(Plan { leaves: 1, regions: 1, ..self.plan.clone() });
        }
        let habits: [fn(&mut VisitorPlan); 7] = [
            |visitor| visitor.tabs = 1,
            |visitor| visitor.is_hasty = false,
            |visitor| visitor.sleeps = None,
            |visitor| visitor.gives_up = None,
            |visitor| visitor.forgets = None,
            |visitor| visitor.copies = None,
            |visitor| visitor.clings = false,
        ];
        for habit in habits {
            for index in 0..self.plan.visitors.len() {
                let mut plan = self.plan.clone();
                let visitor = &mut plan.visitors[index];
                let before = format!("{visitor:?}");
                habit(visitor);
                if format!("{:?}", plan.visitors[index]) != before {
                    self.try_out(plan);
                }
            }
        }
    }
}
