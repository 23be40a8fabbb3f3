//! Projects, their keys and their figures.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{NewProject, Project, ProjectKey, ProjectOverview, SqliteStore, failed};
use crate::store::rows::{HOUR_MS, TREND_HOURS, int, oldest_bucket, uint};
use crate::store::{now_ms, project_input};

const COLUMNS: &str = "p.id, p.name, p.slug, p.platform, p.created_ms, p.first_event_ms,
    (SELECT k.public_key FROM project_keys k WHERE k.project_id = p.id
     ORDER BY k.active DESC, k.created_ms LIMIT 1)";

pub(super) fn key(c: &Connection, public_key: &str) -> rusqlite::Result<Option<ProjectKey>> {
    c.prepare_cached("SELECT project_id, active FROM project_keys WHERE public_key = ?1")?
        .query_row([public_key], |row| {
            Ok(ProjectKey {
                project_id: uint(row.get(0)?),
                public_key: public_key.to_owned(),
                active: row.get(1)?,
            })
        })
        .optional()
}

pub(super) fn project(
    c: &Connection,
    id: u64,
    now_ms: u64,
) -> rusqlite::Result<Option<ProjectOverview>> {
    let row = c
        .prepare_cached(&format!("SELECT {COLUMNS} FROM projects p WHERE p.id = ?1"))?
        .query_row([int(id)], read)
        .optional()?;
    row.map(|project| overview(c, project, now_ms)).transpose()
}

pub(super) fn projects(
    c: &Connection,
    after: Option<u64>,
    limit: usize,
    now_ms: u64,
) -> rusqlite::Result<Vec<ProjectOverview>> {
    let rows: Vec<Project> = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM projects p WHERE p.id > ?1 ORDER BY p.id LIMIT ?2"
        ))?
        .query_map(params![after.map_or(-1, int), int(limit as u64)], read)?
        .collect::<rusqlite::Result<_>>()?;
    rows.into_iter()
        .map(|project| overview(c, project, now_ms))
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: uint(row.get(0)?),
        name: row.get(1)?,
        slug: row.get(2)?,
        platform: row.get(3)?,
        created_ms: uint(row.get(4)?),
        first_event_ms: row.get::<_, Option<i64>>(5)?.map(uint),
        public_key: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
    })
}

fn overview(c: &Connection, project: Project, now_ms: u64) -> rusqlite::Result<ProjectOverview> {
    let unresolved = c
        .prepare_cached("SELECT COUNT(*) FROM issues WHERE project_id = ?1 AND status = 0")?
        .query_row([int(project.id)], |row| row.get(0))?;
    let newest = now_ms / HOUR_MS;
    let mut events_24h = vec![0; TREND_HOURS as usize];
    let mut statement = c.prepare_cached(
        "SELECT hour, events FROM project_hours WHERE project_id = ?1 AND hour > ?2 AND hour <= ?3",
    )?;
    let oldest = oldest_bucket(newest, TREND_HOURS);
    let mut rows = statement.query(params![int(project.id), int(oldest) - 1, int(newest)])?;
    while let Some(row) = rows.next()? {
        events_24h[(uint(row.get(0)?) - oldest) as usize] = uint(row.get(1)?);
    }
    Ok(ProjectOverview {
        project,
        unresolved_issues: uint(unresolved),
        events_24h,
    })
}

impl SqliteStore {
    pub(super) fn create_project_row(&self, new: NewProject) -> super::Result<Project> {
        let new = project_input::check(new)?;
        let mut connection = self.writer();
        let c = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("create a project"))?;
        let owner = key(&c, &new.public_key).map_err(failed("create a project"))?;
        if let Some(owner) = owner {
            return Err(project_input::key_taken(&new.public_key, owner.project_id));
        }
        if let Some(id) = new.id
            && project_exists(&c, id).map_err(failed("create a project"))?
        {
            return Err(project_input::id_taken(id));
        }
        let insert = || {
            let slug = free_slug(&c, &new.name)?;
            let created_ms = now_ms();
            c.execute(
                "INSERT INTO projects (id, name, slug, platform, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![new.id.map(int), new.name, slug, new.platform, int(created_ms)],
            )?;
            let id = uint(c.last_insert_rowid());
            c.execute(
                "INSERT INTO project_keys (public_key, project_id, created_ms) VALUES (?1, ?2, ?3)",
                params![new.public_key, int(id), int(created_ms)],
            )?;
            Ok(Project {
                id,
                name: new.name.clone(),
                slug,
                platform: new.platform.clone(),
                public_key: new.public_key.clone(),
                created_ms,
                first_event_ms: None,
            })
        };
        let project = insert().map_err(failed("create a project"))?;
        c.commit().map_err(failed("create a project"))?;
        Ok(project)
    }
}

fn project_exists(c: &Connection, id: u64) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM projects WHERE id = ?1")?
        .exists([int(id)])
}

/// The name's slug, with a number after it when another project has it already.
fn free_slug(c: &Connection, name: &str) -> rusqlite::Result<String> {
    let mut statement = c.prepare_cached("SELECT 1 FROM projects WHERE slug = ?1")?;
    let mut slugs = project_input::slugs(name);
    loop {
        let slug = slugs.next().expect("the candidates never end");
        if !statement.exists([&slug])? {
            return Ok(slug);
        }
    }
}
