// A client that oapi-codegen has made of usher's OpenAPI document. One JSON line for each check. USHER_URL and
// USHER_TOKEN say where.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"conformance/usher"
)

var (
	ctx    = context.Background()
	client *usher.ClientWithResponses
	users  []usher.User
	room   *usher.Room
)

func check(name string, body func() error) {
	line := map[string]any{"check": name, "ok": true}
	if err := body(); err != nil {
		line["ok"], line["detail"] = false, err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func want(good bool, what any) error {
	if good {
		return nil
	}
	return fmt.Errorf("%+v", what)
}

func createUsers() error {
	for i := 0; i < 5; i++ {
		department, kind := "Dispatch", "work"
		address := fmt.Sprintf("go%d@generated.example", i)
		answer, err := client.CreateUserWithResponse(ctx, nil, usher.UserCreate{
			UserName: address, Department: &department, Emails: &[]usher.Email{{Value: &address, Type: &kind}}})
		if err != nil {
			return err
		}
		if answer.JSON201 == nil || !answer.JSON201.Active || (*answer.JSON201.Emails)[0].Value == nil {
			return fmt.Errorf("%s: %s", answer.Status(), answer.Body)
		}
		users = append(users, *answer.JSON201)
	}
	return nil
}

func createAgain() error {
	answer, err := client.CreateUserWithResponse(ctx, nil, usher.UserCreate{UserName: users[0].UserName})
	if err != nil {
		return err
	}
	problem := answer.ApplicationproblemJSON409
	return want(problem != nil && problem.Type == "urn:usher:problem:uniqueness" && problem.Errors != nil &&
		(*problem.Errors)[0].Path == "userName", string(answer.Body))
}

func findActive() error {
	for _, active := range []bool{true, false} {
		answer, err := client.ListUsersWithResponse(ctx, &usher.ListUsersParams{Active: &active, UserName: &users[0].UserName})
		if err != nil {
			return err
		}
		if answer.JSON200 == nil || (len(answer.JSON200.Items) == 1) != active {
			return fmt.Errorf("active=%t: %s", active, answer.Body)
		}
	}
	return nil
}

func createRoom() error {
	answer, err := client.CreateRoomWithResponse(ctx, nil, usher.RoomCreate{DisplayName: "Room of Go"})
	if err != nil {
		return err
	}
	room = answer.JSON201
	return want(room != nil, string(answer.Body))
}

func putMembers() error {
	for i, user := range users {
		transmit := i%2 == 0
		answer, err := client.PutMemberWithResponse(ctx, room.Id, user.Id, nil, usher.MemberPut{Transmit: &transmit})
		if err != nil {
			return err
		}
		if answer.JSON201 == nil || answer.JSON201.Transmit == nil || *answer.JSON201.Transmit != transmit {
			return fmt.Errorf("%s: %s", answer.Status(), answer.Body)
		}
	}
	return nil
}

func pageMembers() error {
	found, limit, params := map[string]bool{}, 2, &usher.ListMembersParams{}
	params.Limit = &limit
	for {
		answer, err := client.ListMembersWithResponse(ctx, room.Id, params)
		if err != nil {
			return err
		}
		if answer.JSON200 == nil || len(answer.JSON200.Items) > limit {
			return fmt.Errorf("%s: %s", answer.Status(), answer.Body)
		}
		for _, member := range answer.JSON200.Items {
			found[member.User.String()] = member.Transmit
		}
		if answer.JSON200.Next == nil {
			break
		}
		params.Cursor = answer.JSON200.Next
	}
	for i, user := range users {
		if transmit, there := found[user.Id.String()]; !there || transmit != (i%2 == 0) {
			return fmt.Errorf("%s is not as it was put: %v", user.UserName, found)
		}
	}
	return want(len(found) == len(users), found)
}

func bearer(_ context.Context, request *http.Request) error {
	request.Header.Set("Authorization", "Bearer "+os.Getenv("USHER_TOKEN"))
	return nil
}

func main() {
	var err error
	if client, err = usher.NewClientWithResponses(os.Getenv("USHER_URL"), usher.WithRequestEditorFn(bearer)); err != nil {
		panic(err)
	}
	check("create users", createUsers)
	check("a userName that is taken", createAgain)
	check("find by active", findActive)
	check("create a room", createRoom)
	check("put members, who may transmit or not", putMembers)
	check("page through the members", pageMembers)
}
