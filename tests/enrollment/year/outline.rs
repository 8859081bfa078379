//! Requirements and audiences in words, as the product has them and as the model does.

use std::collections::{BTreeMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use provost::sql;
use uuid::Uuid;

use super::{
    academy::{Academy, Choice, Day, Person},
    world::World,
};

/// What a row says, by the person, the course, rule, completion or person that it is about, and the cycle; below zero it is about
/// issues of a rule.
pub type Outline = BTreeMap<(Uuid, Uuid, i32), String>;

impl World {
    /// All requirements, audiences, completions that count and facts about people, as the product has them; without those of the
    /// administrator.
    pub fn outline(&self, academy: &Academy) -> Outline {
        let rules: Vec<Uuid> = academy.rules.iter().map(|rule| rule.id).collect();
        let known: HashSet<Uuid> = academy.people.iter().map(|person| person.id).collect();
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::Uuid)]
            user_id: Uuid,
            #[diesel(sql_type = sql_types::Uuid)]
            about: Uuid,
            #[diesel(sql_type = sql_types::Integer)]
            cycle: i32,
            #[diesel(sql_type = sql_types::Text)]
            line: String,
        }
        let rows: Vec<Row> = self.app.write(|tx| {
            let rows = sql!(
                "SELECT q.user_id, q.target_id AS about, q.cycle, concat_ws(' ', 'opens', q.opens_on,
                    'due', coalesce(q.due_on::text, '-'), 'by', coalesce(q.completion_id, q.waiver_id)::text, 'until',
                    coalesce(q.valid_until::text, '-'), 'renews', coalesce(q.renews_on::text, '-'), q.end_reason, 'for',
                    reasons.line) AS line
                 FROM requirements q LEFT JOIN (SELECT user_id, requirement_id, string_agg(line, ', ' ORDER BY line COLLATE \"C\")
                        AS line FROM (SELECT rr.user_id, rr.requirement_id, concat_ws(' ', rr.rule_id,
                            coalesce(rr.scheduled_on::text, '-'), coalesce(rr.due_on::text, '-'),
                            coalesce(rr.valid_until::text, '-')) AS line FROM requirement_reasons rr
                        WHERE rr.ended_at IS NULL) each GROUP BY user_id, requirement_id) reasons
                    ON reasons.user_id = q.user_id AND reasons.requirement_id = q.id
                 UNION ALL
                 SELECT m.user_id, m.rule_id, 0, concat_ws(' ', m.joined_on, m.left_on) FROM rule_members m
                 UNION ALL
                 SELECT i.user_id, i.course_id, -array_position({rules}, i.rule_id), string_agg(concat_ws(' ', i.kind, i.choice),
                    ', ' ORDER BY i.kind) FROM rule_issues i WHERE i.closed_at IS NULL GROUP BY i.user_id, i.course_id, i.rule_id
                 UNION ALL
                 SELECT c.user_id, c.id, 0, concat_ws(' ', c.occurred_on, v.number) FROM completions c
                 JOIN course_versions v ON v.id = c.course_version_id
                 WHERE NOT c.is_void AND NOT EXISTS (SELECT FROM completions s
                    WHERE s.user_id = c.user_id AND s.supersedes_id = c.id)
                 UNION ALL
                 SELECT u.id, u.id, 0, concat_ws(' ', u.status, u.department, u.employment_type, u.org_unit_id,
                    coalesce(u.time_zone, '-'), coalesce(u.hired_on::text, '-'), coalesce(u.attributes ->> 'signed_on', '-')) FROM users u"
            );
            Ok(rows.load(tx.conn)?)
        });
        let rows = rows.into_iter().filter(|row| known.contains(&row.user_id));
        rows.map(|row| ((row.user_id, row.about, row.cycle), row.line))
            .collect()
    }
}

impl Academy {
    /// What [`World::outline`] should be.
    pub fn outline(&self) -> Outline {
        let mut outline = Outline::new();
        for person in &self.people {
            self.outline_of(person, &mut outline);
        }
        outline
    }

    /// What it should be of one person.
    pub fn outline_of(&self, person: &Person, outline: &mut Outline) {
        let day = |day: Option<Day>| day.map_or("-".into(), |day| day.to_string());
        for (rule, (joined, left)) in &person.audiences {
            let left = left.map_or_else(String::new, |day| format!(" {day}"));
            outline.insert((person.id, self.rules[*rule].id, 0), format!("{joined}{left}"));
        }
        let facts = [person.status, person.department, person.employment].join(" ");
        let unit = self.units[person.unit].id;
        let zone = person.zone.map_or("-", |zone| zone.name());
        let days = [person.hired_on, person.signed_on].map(day).join(" ");
        outline.insert((person.id, person.id, 0), format!("{facts} {unit} {zone} {days}"));
        for (id, completion) in &person.completions {
            let line = format!("{} {}", completion.on, completion.version + 1);
            outline.insert((person.id, *id, 0), line);
        }
        let mut issues: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        for ((rule, course, kind), choice) in &person.issues {
            let choice = choice.map(|choice| match choice {
                Choice::AsScheduled => " as_scheduled",
                Choice::DueOn(_) => " due_on",
                Choice::NoDueDate => " no_due_date",
                Choice::CountFromJoining => " count_from_joining",
                Choice::Waive => " waive",
                Choice::Require => " require",
            });
            let told = format!("{kind}{}", choice.unwrap_or_default());
            issues.entry((*rule, *course)).or_default().push(told);
        }
        for ((rule, course), kinds) in issues {
            let key = (person.id, self.courses[course].id, -(rule as i32) - 1);
            outline.insert(key, kinds.join(", "));
        }
        for (course, cycles) in &person.cycles {
            for (index, cycle) in cycles.iter().enumerate() {
                let mut words = vec!["opens".into(), cycle.opens_on.to_string()];
                words.extend(["due".into(), day(cycle.due_on), "by".into()]);
                words.extend(cycle.proof.map(|proof| proof.to_string()));
                words.extend(["until".into(), day(cycle.valid_until)]);
                words.extend(["renews".into(), day(cycle.renews_on)]);
                words.extend(cycle.ended.map(str::to_owned));
                words.push("for".into());
                let reasons = cycle.reasons.iter().map(|reason| {
                    let rule = reason.rule.map(|rule| format!("{} ", self.rules[rule].id));
                    let days = [reason.scheduled_on, reason.due_on, reason.valid_until].map(day);
                    format!("{}{}", rule.unwrap_or_default(), days.join(" "))
                });
                let mut reasons: Vec<_> = reasons.collect();
                reasons.sort();
                if !reasons.is_empty() {
                    words.push(reasons.join(", "));
                }
                let key = (person.id, self.courses[*course].id, index as i32 + 1);
                outline.insert(key, words.join(" "));
            }
        }
    }
}
