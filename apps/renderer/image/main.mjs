import { runUntilTold } from "../../node/http.mjs";
import { renderer } from "./server.mjs";

runUntilTold(renderer(), 8080);
