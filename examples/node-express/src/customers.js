/** The people who shop here. */
export const customers = [
  { id: "c-1001", name: "amelie", plan: "free" },
  { id: "c-1002", name: "bjarne", plan: "plus" },
  { id: "c-1003", name: "chiara", plan: "plus" },
  { id: "c-1004", name: "dmitri", plan: "free" },
  { id: "c-1005", name: "emeka", plan: "business" },
];
