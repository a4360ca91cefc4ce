export default function Page() { return <h1>submit</h1>; }
