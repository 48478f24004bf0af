// Reading a CSV as spreadsheets write it: quotes, line breaks inside them, and ; or , between the columns.

/** Returns the text of a file: in UTF-8, or else in Windows-1252, as Excel in Brazil saves a CSV. */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Returns the rows of cells. The separator is the one that stands more often in the first line. */
export function parseCsv(text) {
  const plain = text.replace(/^\uFEFF/, "");
  const first = plain.split("\n", 1)[0];
  const separator = first.split(";").length >= first.split(",").length ? ";" : ",";
  const rows = [];
  let row = [];
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    row.push(cell.trim());
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.some(Boolean)) rows.push(row);
    row = [];
  };
  for (let at = 0; at < plain.length; at += 1) {
    const sign = plain[at];
    if (isQuoted && sign === '"' && plain[at + 1] === '"') cell += plain[(at += 1)];
    else if (sign === '"') isQuoted = !isQuoted;
    else if (isQuoted) cell += sign;
    else if (sign === separator) endCell();
    else if (sign === "\n") endRow();
    else if (sign !== "\r") cell += sign;
  }
  endRow();
  return rows;
}

const COLUMNS = { nome: "name", name: "name", url: "url", endereco: "url", codigo: "external_id", external_id: "external_id", grupos: "groups", groups: "groups" };

const plainName = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** Returns [{line, name, url, external_id, groups: [names]}], or null where the columns for name and address are not there. */
export function camerasOf(text) {
  const [head, ...rows] = parseCsv(text);
  const columns = (head ?? []).map((title) => COLUMNS[plainName(title)]);
  if (!columns.includes("name") || !columns.includes("url")) return null;
  return rows.map((cells, index) => {
    const camera = { line: index + 2, name: "", url: "", external_id: "", groups: "" };
    columns.forEach((column, at) => column && (camera[column] = cells[at] ?? ""));
    return { ...camera, groups: camera.groups.split("|").map((name) => name.trim()).filter(Boolean) };
  });
}
