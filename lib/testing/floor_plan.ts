/** The plan of the small house that the simulated robot drives through, drawn as text. */

/** The edge of one character of the plan, in metres. */
export const CELL = 0.25;

/** Height of the walls in metres; there is no ceiling, so that the sky shows where one looks. */
export const WALL_HEIGHT = 1.3;

/**
 * North is up. Four rooms in a ring, joined by doorways: `.` living room, `,` kitchen, `'` garden,
 * `;` workshop. A wall is painted like the room that it is seen from. `#` wall, `D` door frame,
 * `1 2 3` pictures, `W` window, `L` book shelf; furniture: `S` sofa, `T` low table, `K` kitchen
 * counter, `F` fridge, `C` crate, `H` hedge, `P` the charging dock below
 * its sign `E`.
 */
export const PLAN: readonly string[] = [
  "####2222############1111########WWWW####WWWW####",
  "#.......SSSSSSSS...........#,KKKKKKKKKKKKFFF,,,#",
  "#.......SSSSSSSS...........#,KKKKKKKKKKKKFFF,,,#",
  "#.......SSSSSSSS...........#,,,,,,,,,,,,,,,,,,,#",
  "W..........................#,,,,,,,,,,,,,,,,,,,#",
  "W..........................#,,,,,,,,,,,,,,,,,,,#",
  "W...........TTTT...........#,,,,,,,,,,,,,,,,,,,#",
  "W...........TTTT...........D,,,,,,,,,,,,,,,,,,,#",
  "3...........................,,,,,,,,,,,,,,,,,,,W",
  "3...........................,,,,,,,,TTTTT,,,,,,W",
  "3...........................,,,,,,,,TTTTT,,,,,,W",
  "3...........................,,,,,,,,TTTTT,,,,,,W",
  "W...........................,,,,,,,,,,,,,,,,,,,#",
  "W..........................D,,,,,,,,,,,,,,,,,,,#",
  "W.........................PE,,,,,,,,,,,,,,,,,,,#",
  "W.........................PE,,,,,,,,,,,,,,,,,,,#",
  "#..........................#,,,,,,,,,,,,,,,,,,,#",
  "#..........................#,,,,,,,,,,,,,,,,,,,#",
  "#...............LLLLLLLL...#,,,,,,,,,,,,,,,,,,,#",
  "#######D.....D#####################D,,,,,D######",
  "#''''''''''''''''''''''''HH#;;;;;;;;;;;;;;;;;;;#",
  "#''''''''''''''''''''''''HH#;;;;;;;;;;;;;;;;;;;#",
  "#''''''''''''''''''''''''''D;;;;;;;;;;;;;;;;;CC#",
  "#''''''''''''''''''''''''''';;;;;;;;;;;;;;;;;CC#",
  "#''''''''''''''''''''''''''';;;;;;;;;;;;;;;;;CC#",
  "#''''''''''''''''''''''''''';;;;;;;;;;;;;;;;;;;#",
  "#''''''''''''''''''''''''''';;;;;;;;;;;;;;;;;;;#",
  "#''''''''''''''''''''''''''';;;;;;;;;;;;;;;;;;;#",
  "#HH''''''''''''''''''''''''D;;;;;;;;;;;;;;;;;;;#",
  "#HH''''''''''''''''''''''''#;CCC;;;;;;CCCCCC;;;#",
  "#HHHHHHHHHHHHHHHHHHHHHHHHHH#;CCC;;;;;;CCCCCC;;;#",
  "####################1111############WWWW########",
];

/** Rooms, in the order of their floor's number. */
export const ROOMS = ".,';";

/** How a solid character of the plan looks and how high it is. */
export interface Solid {
  /** The name of its texture; walls have one for each room instead. */
  readonly texture: string;
  /** Metres. */
  readonly height: number;
  /** Colour of its upper side, seen when it is lower than the camera. */
  readonly top: number;
}

/** What stands on the plan. */
export const SOLIDS: Readonly<Record<string, Solid>> = {
  "#": { texture: "wall", height: WALL_HEIGHT, top: 0 },
  D: { texture: "frame", height: WALL_HEIGHT, top: 0 },
  "1": { texture: "sunset", height: WALL_HEIGHT, top: 0 },
  "2": { texture: "circles", height: WALL_HEIGHT, top: 0 },
  E: { texture: "bolt", height: WALL_HEIGHT, top: 0 },
  "3": { texture: "mountains", height: WALL_HEIGHT, top: 0 },
  W: { texture: "window", height: WALL_HEIGHT, top: 0 },
  L: { texture: "books", height: WALL_HEIGHT, top: 0 },
  S: { texture: "sofa", height: 0.38, top: 0x3f7f86 },
  T: { texture: "table", height: 0.3, top: 0xb98552 },
  K: { texture: "cupboard", height: 0.8, top: 0 },
  F: { texture: "fridge", height: 1.2, top: 0 },
  C: { texture: "crate", height: 0.4, top: 0xc79a5c },
  H: { texture: "hedge", height: 0.7, top: 0 },
  P: { texture: "dock", height: 0.36, top: 0x2b3036 },
};

/** Something round that stands on the floor: a pillar, a tree, a barrel. */
export interface Round {
  /** Middle, metres east of the south-west corner. */
  readonly x: number;
  /** Middle, metres north of the south-west corner. */
  readonly y: number;
  /** Metres. */
  readonly radius: number;
  /** Metres. */
  readonly height: number;
  /** The name of its texture, which goes round `turns` times. */
  readonly texture: string;
  /** How often the texture is repeated around it. */
  readonly turns: number;
  /** Colour of its upper side. */
  readonly top: number;
}

/** The round things that every seed has. */
export const LANDMARKS: readonly Round[] = [
  { x: 4.9, y: 7.3, radius: 0.14, height: 1.7, texture: "pillar", turns: 4, top: 0 },
  { x: 4.9, y: 3.6, radius: 0.14, height: 1.7, texture: "pillar", turns: 4, top: 0 },
  { x: 0.6, y: 7.4, radius: 0.22, height: 1.0, texture: "plant", turns: 2, top: 0 },
  { x: 6.35, y: 7.45, radius: 0.2, height: 0.9, texture: "plant", turns: 2, top: 0 },
  { x: 4.7, y: 2.2, radius: 0.5, height: 0.28, texture: "fountain", turns: 6, top: 0x58b4e0 },
  { x: 4.7, y: 2.2, radius: 0.1, height: 0.75, texture: "pillar", turns: 3, top: 0 },
  { x: 1.0, y: 2.3, radius: 0.28, height: 3.2, texture: "tower", turns: 2, top: 0 },
  { x: 11.2, y: 2.6, radius: 0.24, height: 2.5, texture: "silo", turns: 2, top: 0 },
];
