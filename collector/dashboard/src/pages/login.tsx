import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useSearchParams } from "react-router";
import { ApiFailure, call, words } from "@/api/client";
import { keys, sessionQuery } from "@/api/queries";
import type { Session } from "@/api/types";
import { Gate } from "@/components/shell/gate";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { backTarget } from "./back-target";
import { useTitle } from "./title";

export function LoginPage() {
  useTitle("Sign in");
  const session = useQuery(sessionQuery);
  const client = useQueryClient();
  const [parameters] = useSearchParams();
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => call<Session>("POST", "/session", { password }),
    // Writing the session is enough: the redirect below follows from it.
    onSuccess: (answer) => client.setQueryData(keys.session, answer),
  });

  if (session.data?.setup) return <Navigate to="/setup" replace />;
  if (session.data?.user) return <Navigate to={backTarget(parameters.get("next"))} replace />;
  const wrong = login.error instanceof ApiFailure && login.error.status === 401;

  return (
    <Gate title="Sign in to Faultwire" hint="With the password of the admin account." foot="Forgotten? Whoever runs the server can set a new one on its command line.">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (password !== "") login.mutate();
        }}
      >
        <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          autoFocus
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={wrong ? "This is not the password." : login.isError ? words(login.error) : session.isError ? words(session.error) : null}
        />
        <Button type="submit" look="primary" className="mt-2 h-9 w-full" disabled={login.isPending || password === ""}>
          {login.isPending ? "Signing in…" : "Sign in"}
        </Button>
      </form>
    </Gate>
  );
}
