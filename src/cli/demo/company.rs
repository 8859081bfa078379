//! The made-up company over time: who works where, who comes, moves, rises and goes. Pure: what it does follows from
//! its seed and the days that it is told.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};

use super::{
    names::{self, Name},
    random::Random,
    structure::{DEPARTMENTS, SITES},
};

/// How high somebody stands; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// One of a team.
    Staff,
    /// Leads a team.
    Team,
    /// Leads a department.
    Department,
    /// Leads a division.
    Division,
    /// Leads the company.
    Chief,
}

/// Somebody who works there, or did.
#[derive(Debug, Clone)]
pub struct Person {
    /// The number that HR knows them by.
    pub number: u32,
    /// The name.
    pub name: Name,
    /// What they sign in with; unique.
    pub login: String,
    /// The department's place in [`DEPARTMENTS`].
    pub department: usize,
    /// The team within the department.
    pub team: usize,
    /// How high they stand.
    pub rank: Rank,
    /// Whether they have been promoted within their work.
    pub is_senior: bool,
    /// Which of the department's titles they have.
    pub title: usize,
    /// The contract, as HR writes it.
    pub contract: &'static str,
    /// Whether they are away for long, as parents are.
    pub is_away: bool,
    /// The first day.
    pub hired_on: NaiveDate,
    /// The last day, once they have left.
    pub left_on: Option<NaiveDate>,
}

/// What somebody leads: the rank, and as much of the place as it reaches.
type Post = (Rank, &'static str, usize, usize);

/// The company on a day.
pub struct Company {
    /// Everybody who ever worked there, in the order in which they came.
    pub people: Vec<Person>,
    /// The day.
    pub day: NaiveDate,
    teams: Vec<usize>,
    logins: HashMap<String, u32>,
    random: Random,
}

/// People of a team, about.
const TEAM_SIZE: usize = 13;
const LEAVE_A_QUARTER: f64 = 0.022;
const MOVE_A_QUARTER: f64 = 0.02;
const RISE_A_QUARTER: f64 = 0.015;
const AWAY: f64 = 0.015;

impl Company {
    /// A company of `size` people on `day`, with teams enough for `largest`.
    pub fn found(seed: u64, size: usize, largest: usize, day: NaiveDate) -> Self {
        let total: usize = DEPARTMENTS.iter().map(|department| department.weight).sum();
        let teams = DEPARTMENTS
            .iter()
            .map(|department| (largest * department.weight / total / TEAM_SIZE).max(1))
            .collect();
        let mut company = Company {
            people: Vec::new(),
            day,
            teams,
            logins: HashMap::new(),
            random: Random::new(seed),
        };
        // A team's first member leads it, so each team has one.
        for (department, teams) in company.teams.clone().into_iter().enumerate() {
            for team in 0..teams {
                if company.people.len() < size {
                    company.hire(department, team);
                }
            }
        }
        company.grow(size);
        for index in 0..company.people.len() {
            let since = company.random.below(4_500) as u64 + 20;
            company.people[index].hired_on = day.checked_sub_days(Days::new(since)).unwrap_or(day);
        }
        company.fill_posts();
        company
    }

    /// What happens until `day`, after which there are `size` people.
    pub fn pass(&mut self, day: NaiveDate, size: usize) {
        let from = std::mem::replace(&mut self.day, day);
        let length = (day - from).num_days().max(1) as usize;
        for index in 0..self.people.len() {
            if self.people[index].left_on.is_some() {
                continue;
            }
            self.live(index, from, length);
        }
        let known = self.people.len();
        self.grow(size);
        for index in known..self.people.len() {
            let after = self.random.below(length) as u64;
            self.people[index].hired_on = from.checked_add_days(Days::new(after)).unwrap_or(day);
        }
        self.fill_posts();
    }

    /// Those who are there.
    pub fn present(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.left_on.is_none())
    }

    fn live(&mut self, index: usize, from: NaiveDate, length: usize) {
        let (leaves, moves, rises) = (
            self.random.chance(LEAVE_A_QUARTER),
            self.random.chance(MOVE_A_QUARTER),
            self.random.chance(RISE_A_QUARTER),
        );
        let is_away = self.random.chance(AWAY);
        let last = from.checked_add_days(Days::new(self.random.below(length) as u64));
        let person = &mut self.people[index];
        person.is_away = is_away;
        if leaves {
            person.left_on = last;
        } else if moves && person.rank == Rank::Staff {
            let (department, team) = self.somewhere();
            let person = &mut self.people[index];
            person.department = department;
            person.team = team;
        } else if rises {
            person.is_senior = true;
        }
    }

    fn grow(&mut self, size: usize) {
        let present = self.present().count();
        for _ in present..size {
            let (department, team) = self.somewhere();
            self.hire(department, team);
        }
    }

    fn somewhere(&mut self) -> (usize, usize) {
        let department = self
            .random
            .weighted(DEPARTMENTS.iter().map(|department| department.weight));
        (department, self.random.below(self.teams[department]))
    }

    fn hire(&mut self, department: usize, team: usize) {
        const CONTRACTS: [(&str, usize); 4] = [("FT", 80), ("PT", 10), ("EXT", 6), ("APP", 4)];
        let site = site(department, team);
        let culture = if self.random.chance(0.2) {
            self.random.below(names::COUNT)
        } else {
            site
        };
        let name = names::make(&mut self.random, culture);
        let namesakes = self.logins.entry(name.plain.clone()).or_default();
        *namesakes += 1;
        let login = match *namesakes {
            1 => name.plain.clone(),
            number => format!("{}{number}", name.plain),
        };
        let contract = self.random.weighted(CONTRACTS.iter().map(|(_, weight)| *weight));
        self.people.push(Person {
            number: 1_001 + self.people.len() as u32,
            name,
            login,
            department,
            team,
            rank: Rank::Staff,
            is_senior: self.random.chance(0.25),
            title: self.random.below(2),
            contract: CONTRACTS[contract].0,
            is_away: false,
            hired_on: self.day,
            left_on: None,
        });
    }

    /// Each free post goes to the highest-ranking of its people, and of equals to the one who has been there longest.
    fn fill_posts(&mut self) {
        let leads = self.leads();
        let mut free: Vec<Post> = Vec::new();
        for (department, teams) in self.teams.iter().enumerate() {
            let division = DEPARTMENTS[department].division;
            free.push((Rank::Chief, "", 0, 0));
            free.push((Rank::Division, division, 0, 0));
            if *teams > 1 {
                free.push((Rank::Department, division, department, 0));
            }
            free.extend((0..*teams).map(|team| (Rank::Team, division, department, team)));
        }
        free.sort_by(|one, other| other.cmp(one));
        free.dedup();
        free.retain(|post| !leads.contains_key(post));
        for post in free {
            let heir = self
                .people
                .iter_mut()
                .filter(|person| person.left_on.is_none() && person.rank < post.0)
                .filter(|person| self::post(person, post.0) == post)
                .max_by_key(|person| (person.rank, std::cmp::Reverse((person.hired_on, person.number))));
            if let Some(heir) = heir {
                heir.rank = post.0;
                heir.contract = "FT";
            }
        }
    }

    /// Who leads what.
    fn leads(&self) -> BTreeMap<Post, u32> {
        self.present()
            .filter(|person| person.rank > Rank::Staff)
            .map(|person| (post(person, person.rank), person.number))
            .collect()
    }

    /// The number of everybody's supervisor, by theirs.
    pub fn supervisors(&self) -> HashMap<u32, u32> {
        const ABOVE: [Rank; 4] = [Rank::Team, Rank::Department, Rank::Division, Rank::Chief];
        let leads = self.leads();
        let above = |person: &Person| {
            let ranks = ABOVE.into_iter().filter(|rank| *rank > person.rank);
            ranks
                .filter_map(|rank| leads.get(&post(person, rank)))
                .find(|number| **number != person.number)
                .copied()
        };
        self.present()
            .filter_map(|person| Some((person.number, above(person)?)))
            .collect()
    }
}

/// The post of `rank` that a person has, or that is over them.
fn post(person: &Person, rank: Rank) -> Post {
    let division = DEPARTMENTS[person.department].division;
    match rank {
        Rank::Chief => (rank, "", 0, 0),
        Rank::Division => (rank, division, 0, 0),
        Rank::Department => (rank, division, person.department, 0),
        Rank::Team | Rank::Staff => (rank, division, person.department, person.team),
    }
}

/// The place of a team's site in [`SITES`].
pub fn site(department: usize, team: usize) -> usize {
    (department + team) % SITES.len()
}

impl Person {
    /// What their team is called.
    pub fn team_name(&self) -> String {
        let department = &DEPARTMENTS[self.department];
        let (city, ..) = SITES[site(self.department, self.team)];
        match self.team / SITES.len() {
            0 => format!("{} {city}", department.name),
            round => format!("{} {city} {}", department.name, round + 1),
        }
    }

    /// What their position is called.
    pub fn position(&self) -> String {
        let department = &DEPARTMENTS[self.department];
        match self.rank {
            Rank::Chief => "Chief Executive Officer".into(),
            Rank::Division => format!("Director {}", department.division),
            Rank::Department => format!("Head of {}", department.name),
            Rank::Team => format!("Team Lead {}", department.name),
            Rank::Staff if self.is_senior => format!("Senior {}", department.titles[self.title]),
            Rank::Staff => department.titles[self.title].into(),
        }
    }
}
