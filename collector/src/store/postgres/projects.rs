//! Projects, their keys and their figures.

use std::collections::HashMap;

use postgres::{Error, Row};

use super::connection::{Connection, Failure};
use super::{Project, ProjectKey, ProjectOverview, int, text, uint};
use crate::store::now_ms;
use crate::store::project_input::{self, Checked};
use crate::store::rows::{HOUR_MS, TREND_HOURS, oldest_bucket};

type Result<T> = std::result::Result<T, Error>;

const COLUMNS: &str = "p.id, p.name, p.slug, p.platform, p.created_ms, p.first_event_ms,
    (SELECT k.public_key FROM project_keys k WHERE k.project_id = p.id
     ORDER BY k.active DESC, k.created_ms LIMIT 1)";
/// Held while an id and a slug are chosen. Another number than the migrations'.
const LOCK: i64 = 0x6661_756c_7470_726a;

pub(super) fn key(c: &mut Connection, public_key: &str) -> Result<Option<ProjectKey>> {
    let row = c.query_opt(
        "SELECT project_id, active FROM project_keys WHERE public_key = $1",
        &[&text(public_key)],
    )?;
    Ok(row.map(|row| ProjectKey {
        project_id: uint(row.get(0)),
        public_key: public_key.to_owned(),
        active: row.get(1),
    }))
}

pub(super) fn project(c: &mut Connection, id: u64, now_ms: u64) -> Result<Option<ProjectOverview>> {
    let sql = format!("SELECT {COLUMNS} FROM projects p WHERE p.id = $1");
    let rows = c.query(&sql, &[&int(id)])?;
    Ok(overviews(c, &rows, now_ms)?.pop())
}

pub(super) fn projects(
    c: &mut Connection,
    after: Option<u64>,
    limit: usize,
    now_ms: u64,
) -> Result<Vec<ProjectOverview>> {
    let sql = format!("SELECT {COLUMNS} FROM projects p WHERE p.id > $1 ORDER BY p.id LIMIT $2");
    let rows = c.query(&sql, &[&after.map_or(-1, int), &int(limit as u64)])?;
    overviews(c, &rows, now_ms)
}

fn read(row: &Row) -> Project {
    Project {
        id: uint(row.get(0)),
        name: row.get(1),
        slug: row.get(2),
        platform: row.get(3),
        created_ms: uint(row.get(4)),
        first_event_ms: row.get::<_, Option<i64>>(5).map(uint),
        public_key: row.get::<_, Option<String>>(6).unwrap_or_default(),
    }
}

/// The projects of `rows` with their figures, by two statements for all of them.
fn overviews(c: &mut Connection, rows: &[Row], now_ms: u64) -> Result<Vec<ProjectOverview>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let counts = c.query(
        "SELECT project_id, COUNT(*) FROM issues WHERE project_id = ANY($1) AND status = 0 GROUP BY project_id",
        &[&ids],
    )?;
    let unresolved: HashMap<i64, i64> = counts.iter().map(|row| (row.get(0), row.get(1))).collect();
    let newest = now_ms / HOUR_MS;
    let oldest = oldest_bucket(newest, TREND_HOURS);
    let hours = c.query(
        "SELECT project_id, hour, events FROM project_hours
         WHERE project_id = ANY($1) AND hour BETWEEN $2 AND $3",
        &[&ids, &int(oldest), &int(newest)],
    )?;
    let mut overviews: Vec<ProjectOverview> = rows
        .iter()
        .map(|row| ProjectOverview {
            project: read(row),
            unresolved_issues: unresolved
                .get(&row.get::<_, i64>(0))
                .copied()
                .map_or(0, uint),
            events_24h: vec![0; TREND_HOURS as usize],
        })
        .collect();
    for row in &hours {
        let id = uint(row.get(0));
        let project = overviews.iter_mut().find(|one| one.project.id == id);
        if let Some(project) = project {
            project.events_24h[(uint(row.get(1)) - oldest) as usize] = uint(row.get(2));
        }
    }
    Ok(overviews)
}

pub(super) fn create(c: &mut Connection, new: &Checked) -> std::result::Result<Project, Failure> {
    c.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    if let Some(owner) = key(c, &new.public_key)? {
        return Err(project_input::key_taken(&new.public_key, owner.project_id).into());
    }
    let id = match new.id {
        Some(id) => {
            if c.exists("SELECT 1 FROM projects WHERE id = $1", &[&int(id)])? {
                return Err(project_input::id_taken(id).into());
            }
            id
        }
        None => {
            let next = c.query_opt("SELECT COALESCE(MAX(id), 0) + 1 FROM projects", &[])?;
            next.map_or(1, |row| uint(row.get(0)))
        }
    };
    let slug = free_slug(c, &new.name)?;
    let created_ms = now_ms();
    let name = text(&new.name);
    let platform = new.platform.as_deref().map(text);
    c.execute(
        "INSERT INTO projects (id, name, slug, platform, created_ms) VALUES ($1, $2, $3, $4, $5)",
        &[&int(id), &name, &slug, &platform, &int(created_ms)],
    )?;
    c.execute(
        "INSERT INTO project_keys (public_key, project_id, created_ms) VALUES ($1, $2, $3)",
        &[&new.public_key, &int(id), &int(created_ms)],
    )?;
    Ok(Project {
        id,
        name: name.into_owned(),
        slug,
        platform: platform.map(std::borrow::Cow::into_owned),
        public_key: new.public_key.clone(),
        created_ms,
        first_event_ms: None,
    })
}

/// The name's slug, with a number after it when another project has it already.
fn free_slug(c: &mut Connection, name: &str) -> Result<String> {
    let mut slugs = project_input::slugs(name);
    loop {
        let slug = slugs.next().expect("the candidates never end");
        if !c.exists("SELECT 1 FROM projects WHERE slug = $1", &[&slug])? {
            return Ok(slug);
        }
    }
}
