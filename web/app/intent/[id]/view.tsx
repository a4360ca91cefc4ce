"use client";
import { usePathname } from "next/navigation";
import { useEffect, useState } from "react";
export function View() { const p = usePathname(); const [id, setId] = useState<string | null>(null); useEffect(() => setId(p), [p]); return <h1>intent {id}</h1>; }
