import { openDatabase, findPolicyFaults, tables } from "#database"; import postgres from "postgres";
let t=performance.now(); const lap=(n:string)=>{console.log(n,(performance.now()-t).toFixed(0)); t=performance.now();};
const o=await openDatabase({dataDir:"/root/x/.lethe"}); lap("open");
const id="11111111-1111-4111-8111-111111111111" as never;
console.log(await o.database.inController(id, async (tx)=>{ await tx.db.insert(tables.controller).values({controllerId:id,name:"x",environment:"sandbox",did:"did:lethe:x" as never}).onConflictDoNothing(); return tx.db.select().from(tables.controller); }));
console.log(await o.database.inController("21111111-1111-4111-8111-111111111111" as never, (tx)=>tx.db.select().from(tables.controller)));
const { url, ...s } = o.server as never as {url?:string}; const h=postgres({...s as object,max:1}); console.log(await findPolicyFaults(h)); await h.end();
lap("q"); 
for (let r=0;r<3;r++){ const n=2000; t=performance.now(); for(let i=0;i<n;i++) await o.database.inController(id, ({sql})=>sql`select 1 from controller`); console.log((n/(performance.now()-t)*1000).toFixed(0)+" scoped tx/s, one at a time"); }
await o.close(); lap("close");
