export default function Page() { return <h1>positions</h1>; }
