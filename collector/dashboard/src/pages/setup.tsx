import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useNavigate } from "react-router";
import { ApiFailure, call, words } from "@/api/client";
import { keys, sessionQuery } from "@/api/queries";
import type { Session } from "@/api/types";
import { Gate } from "@/components/shell/gate";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { useTitle } from "./title";

/** The server's own minimum. */
const MIN_LENGTH = 8;

/** First start: whoever opens the server first chooses the admin password. */
export function SetupPage() {
  useTitle("Welcome");
  const session = useQuery(sessionQuery);
  const client = useQueryClient();
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);

  const setup = useMutation({
    mutationFn: () => call<Session>("POST", "/setup", { password }),
    onSuccess: (answer) => {
      client.setQueryData(keys.session, answer);
      navigate("/projects", { replace: true });
    },
    onError: (error) => {
      // Someone else was faster: the session tells, and the redirect below leads to the login.
      if (error instanceof ApiFailure && error.status === 409) void session.refetch();
    },
  });

  if (session.data && !session.data.setup && !setup.isSuccess) return <Navigate to="/projects" replace />;
  const short = password.length < MIN_LENGTH;
  const differs = password !== again;

  return (
    <Gate title="Welcome to Faultwire" hint="Choose the password of the admin account. You need it to sign in to this server." foot="Runs on your machine. Nothing leaves it.">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (!short && !differs) setup.mutate();
        }}
      >
        <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
        <Field
          label="Password"
          type="password"
          autoComplete="new-password"
          autoFocus
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          hint={<Strength length={password.length} />}
          error={tried && short ? `Use at least ${MIN_LENGTH} characters.` : null}
        />
        <Field
          className="mt-3"
          label="Once more"
          type="password"
          autoComplete="new-password"
          value={again}
          onChange={(event) => setAgain(event.target.value)}
          error={setup.isError ? words(setup.error) : tried && !short && differs ? "The two are not the same." : null}
        />
        <Button type="submit" look="primary" className="mt-3 h-9 w-full" disabled={setup.isPending}>
          {setup.isPending ? "Setting up…" : "Create the admin account"}
        </Button>
      </form>
    </Gate>
  );
}

/** Length is what counts; four bars say how far it is. */
function Strength({ length }: { length: number }) {
  const level = length === 0 ? 0 : length < MIN_LENGTH ? 1 : length < 12 ? 2 : length < 16 ? 3 : 4;
  const said = [`At least ${MIN_LENGTH} characters; longer is better`, "Too short", "Fine", "Good", "Strong"][level];
  return (
    <span className="flex items-center gap-2">
      <span className="flex gap-1" aria-hidden>
        {[1, 2, 3, 4].map((bar) => (
          <span key={bar} className={`h-1 w-5 rounded-full ${bar <= level ? (level === 1 ? "bg-warning" : "bg-ok") : "bg-line-strong"}`} />
        ))}
      </span>
      {said}
    </span>
  );
}
