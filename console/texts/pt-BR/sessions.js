// Words of the list of sessions: where a person is signed in.

export const SESSIONS = {
  title: "Sessões abertas",
  device: "Aparelho",
  address: "Endereço",
  since: "Entrou em",
  lastUsed: "Último uso",
  action: "Encerrar",
  current: "esta sessão",
  end: "Encerrar",
  endThis: (device) => `Encerrar a sessão: ${device}`,
  endTitle: "Encerrar esta sessão?",
  endText: (device) => `A sessão em ${device} termina agora, e quem a usa precisa entrar de novo.`,
  endAll: "Encerrar todas as sessões",
  endAllText: "Todas as sessões desta pessoa terminam agora, e ela precisa entrar de novo em cada aparelho.",
  endOthers: "Encerrar as outras sessões",
  endOthersText: "Todas as suas outras sessões terminam agora. Esta continua.",
  ended: "Sessão encerrada.",
  none: "Nenhuma sessão aberta.",
  unknownDevice: "aparelho desconhecido",
  program: "programa",
};

const BROWSERS = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS = [[/Windows/, "Windows"], [/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]];
const found = (names, text) => names.find(([pattern]) => pattern.test(text))?.[1];

/** "Chrome no Windows": what the browser says about itself, in words; a name that a program gave itself as it is. */
export function deviceInWords({ device, client }) {
  if (!device) return client === "api" ? SESSIONS.program : SESSIONS.unknownDevice;
  const browser = found(BROWSERS, device);
  const system = found(SYSTEMS, device);
  return browser && system ? `${browser} no ${system}` : device;
}
