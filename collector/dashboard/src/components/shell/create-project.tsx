import { useMutation, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { useState } from "react";
import { useNavigate } from "react-router";
import { call, words } from "@/api/client";
import { keys } from "@/api/queries";
import type { Project } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { PlatformTile } from "./platform";

const PLATFORMS: { value: string; label: string }[] = [
  { value: "node", label: "Node.js" },
  { value: "javascript", label: "Browser" },
  { value: "python", label: "Python" },
  { value: "rust", label: "Rust" },
  { value: "go", label: "Go" },
  { value: "other", label: "Other" },
];

/** Asks for name and platform, creates the project and goes to the page that waits for its first event. */
export function CreateProject({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="New project" hint="One per app or service. Each has a DSN of its own.">
      <Form onDone={onClose} />
    </Dialog>
  );
}

function Form({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [platform, setPlatform] = useState("node");
  const client = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => call<Project>("POST", "/projects", { name: name.trim(), platform: platform === "other" ? undefined : platform }),
    onSuccess: (project) => {
      client.setQueryData(keys.project(project.id), project);
      void client.invalidateQueries({ queryKey: keys.projects });
      onDone();
      navigate(`/projects/${project.id}/setup`);
    },
  });

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "") create.mutate();
      }}
    >
      <Field label="Name" value={name} onChange={(event) => setName(event.target.value)} placeholder="Checkout service" maxLength={100} required error={create.isError ? words(create.error) : null} />
      <fieldset className="mt-1">
        <legend className="mb-1.5 text-sm font-medium">Platform</legend>
        <div className="grid grid-cols-2 gap-2 sm:grid-cols-3">
          {PLATFORMS.map(({ value, label }) => (
            <label
              key={value}
              className={clsx(
                "flex h-10 cursor-pointer items-center gap-2 rounded-lg border px-2 text-sm has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
                platform === value ? "border-accent bg-accent-soft font-medium text-accent-ink" : "border-line-strong hover:bg-hover",
              )}
            >
              <input type="radio" name="platform" value={value} checked={platform === value} onChange={() => setPlatform(value)} className="sr-only" />
              <PlatformTile platform={value === "other" ? null : value} name="·" size="sm" />
              {label}
            </label>
          ))}
        </div>
      </fieldset>
      <div className="mt-6 flex justify-end gap-2">
        <Button onClick={onDone}>Cancel</Button>
        <Button type="submit" look="primary" disabled={name.trim() === "" || create.isPending}>
          {create.isPending ? "Creating…" : "Create project"}
        </Button>
      </div>
    </form>
  );
}
