import { configure } from "@testing-library/react";

// The machine that runs all tests at once is slow at times; a wait ends as soon as what it waits for is there.
configure({ asyncUtilTimeout: 15_000 });
